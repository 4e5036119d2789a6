// Types for job-type scripts. An editor uses them after this line at the top of a script:
//   /// <reference path="./job-type.d.ts" />

/** What a script must define: `const JOB_TYPE = {…}` and `function compileJob(job) {…}`. */
interface JobType {
  /** The name people see. The name in the API comes from the file: my_job.js is "my-job". */
  label: string;
  description?: string;
  settings: JobSetting[];
}

interface JobSetting {
  /** Key in `job.settings`; unique. A setting "blendfile" is filled with the submitted file's path. */
  key: string;
  type: "string" | "int32" | "float" | "bool";
  /** For strings: how a path is chosen. */
  subtype?: "file_path" | "dir_path" | "file_name" | "hashed_file_path";
  /** For strings: the only values there are. */
  choices?: string[];
  /** Keyword arguments of the Blender property, for example `{ min: 0, max: 32 }`. */
  propargs?: Record<string, unknown>;
  label?: string;
  description?: string;
  /** The value a submitter begins with. It is not filled in for submitters who leave the key out. */
  default?: unknown;
  /** A Python expression, evaluated in Blender with bpy, C, jobname, settings, Path, abspath, last_n_dir_parts. */
  eval?: string;
  /** With a link button, `eval` decides at submission unless the artist switches it off. */
  evalInfo?: { showLinkButton?: boolean; description?: string };
  /** Where people see it: everywhere, only in Blender, only on the web page, or nowhere. */
  visible?: "visible" | "submission" | "web" | "hidden";
  /** Submissions without it are refused. */
  required?: boolean;
  /** False: read-only in Blender, computed by `eval`. */
  editable?: boolean;
}

/** What compileJob gets. Other properties cannot be set. */
interface Job {
  readonly jobID: string;
  readonly workerTagUUID: string;
  name: string;
  jobType: string;
  priority: number;
  status: string;
  readonly created: Date & { unix(): number; unixMilli(): number };
  /** What was submitted; what is left here after compileJob is stored with the job. */
  settings: Record<string, any>;
  metadata: Record<string, string>;
  readonly storage: { readonly shamanCheckoutID: string };
  /** The tasks added so far; they can still be edited here. */
  readonly tasks: Task[];
  /** Add a copy of the task: later changes of the task itself do not count. */
  addTask(task: Task): void;
}

interface Task {
  readonly uUID: string;
  name: string;
  /** A label that workers can be restricted to, for example "blender". */
  type: string;
  /** Between the tasks of a job; 50 unless changed. */
  priority: number;
  commands: Command[];
  dependencies: Task[];
  addCommand(command: Command): void;
  /** This task waits until the other is completed. */
  addDependency(task: Task): void;
}

interface Command {
  name: string;
  parameters: Record<string, unknown>;
  totalStepCount: number;
}

declare const author: {
  Task(name: string, type: string): Task;
  /** `totalStepCount`: how many steps the command reports itself (blender-render: one per frame). */
  Command(name: string, parameters?: Record<string, unknown>, totalStepCount?: number): Command;
};

/** Same results on every system; all results use "/". */
declare const path: {
  basename(path?: string): string;
  dirname(path?: string): string;
  join(...elements: (string | undefined | null)[]): string;
  stem(path?: string): string;
};

declare const process: { readonly platform: string; cwd(): string };

/** "1-10, 20..30, 47" in pieces of `size` frames: ["1-4", "5-8", "9,10,20,21", …]. */
declare function frameChunker(frames: string | number, size: number): string[];
/** How many different frames there are in a range. */
declare function frameCount(frames: string | number): number;
/** YYYY-MM-DD_HHMMSS in the submitter's time zone. */
declare function formatTimestampLocal(when: Date | string): string;
/** Words of a command line, with quotes and backslashes resolved. */
declare function shellSplit(text?: string | null): string[];
/** A line in the log of the node that compiles. */
declare function print(...values: unknown[]): void;
declare function alert(...values: unknown[]): void;
/** A module below the scripts folder ("./lib/x"), or "author", "path", "process". */
declare function require(name: string): any;
/** What the functions above throw. */
declare class GoError extends Error {}
