// What the engine asks of a script that has been run: describe the job type, compile a job, hand over
// the tasks.
//
// Is: the reading of JOB_TYPE, the job object that compileJob gets, and every check of its result.
// Is not: what scripts can call (prelude.js), nor the etag and the wire (Python).
//
// Evaluates to a function: the prelude's parts in, one function `ask(what, argument)` out. Its answer
// is JSON text {"value": …} or {"error": {"text", "stack", "sources"}}; a batch of tasks is bare text.
(function (prelude) {
  "use strict";

  const { config, evaluateGlobally, GoError, Task, newTask, toText, toInteger, storable, isStorable, toMap, show,
    isObject } = prelude;
  const stringify = JSON.stringify;
  const TASKS_PER_BATCH = 500;
  const LETTERS_PER_BATCH = 1 << 20;

  // Worker commands and what they cannot do without. Others only cause a warning, as a farm may
  // have workers that know more.
  const COMMANDS = {
    "blender-render": ["exe", "blendfile"],
    "frames-to-video": ["exe", "fps", "inputGlob", "outputFile"],
    exec: ["exe"],
    echo: ["message"],
    sleep: ["duration_in_seconds"],
    "make-directory": ["path"],
    "move-directory": ["src", "dest"],
    "copy-file": ["src", "dest"],
  };

  let jobType; // what JOB_TYPE says, in the shape of the wire
  let job; // {target, added} while compileJob runs
  let promise = "none"; // of compileJob: none, pending, kept, broken
  let promiseFailure;
  let batches; // generator of the compiled tasks

  /** JSON text that every reader takes: halves of surrogate pairs become U+FFFD. */
  function json(value) {
    const text = stringify(value);
    if (!text.includes("\\ud")) return text;
    return text.replace(/\\(\\|ud[89a-f][0-9a-f]{2})/g, (found) => (found === "\\\\" ? found : "\ufffd"));
  }

  const given = (value) => value !== undefined && value !== null;

  // ---- JOB_TYPE ---------------------------------------------------------------------------

  function improper(reason) {
    return new GoError(`script (${config.script}) does not define a proper JOB_TYPE object: ${reason}`);
  }

  function describe() {
    if (evaluateGlobally("typeof JOB_TYPE") === "undefined") {
      throw new GoError(`script (${config.script}) does not define a JOB_TYPE object`);
    }
    const source = evaluateGlobally("JOB_TYPE");
    if (!isObject(source) || Array.isArray(source)) throw improper(`it is ${show(source)}`);
    const { label, description, settings } = source;
    if (!given(label)) throw improper("it has no label");
    if (!isObject(settings) || typeof settings[Symbol.iterator] !== "function") {
      throw improper("its settings are not an array");
    }
    jobType = { etag: "", label: toText(label), name: config.name, settings: Array.from(settings, readSetting) };
    if (given(description)) jobType.description = toText(description);
    return {
      label: jobType.label,
      description: jobType.description ?? "",
      text: canonical(jobType),
    };
  }

  function readSetting(source) {
    if (!isObject(source)) throw improper(`a setting is ${show(source)}`);
    const { key, type, choices, propargs, evalInfo } = source;
    const setting = { key: toText(key), type: toText(type) };
    const named = (attribute) => `setting "${setting.key}": ${attribute}`;
    for (const attribute of ["subtype", "eval", "visible"]) {
      if (given(source[attribute])) setting[attribute] = toText(source[attribute]);
    }
    for (const attribute of ["required", "editable"]) {
      if (given(source[attribute])) setting[attribute] = Boolean(source[attribute]);
    }
    for (const attribute of ["description", "label", "default"]) {
      if (given(source[attribute])) setting[attribute] = storable(source[attribute], named(attribute));
    }
    if (given(choices)) {
      if (!Array.isArray(choices)) throw improper(named("choices is not an array"));
      setting.choices = choices.map(toText);
    }
    if (given(propargs)) {
      if (!isObject(propargs)) throw improper(named("propargs is not an object"));
      setting.propargs = toMap(propargs, named("propargs"));
    }
    if (given(evalInfo)) {
      if (!isObject(evalInfo)) throw improper(named("evalInfo is not an object"));
      const { description, showLinkButton } = evalInfo;
      setting.evalInfo = { description: toText(description), showLinkButton: Boolean(showLinkButton) };
    }
    return setting;
  }

  /** JSON as Flamenco hashes it: sorted keys, no spaces, and <, > and & escaped. */
  function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (isObject(value)) {
      const fields = Object.keys(value).sort().map((key) => `${canonical(key)}:${canonical(value[key])}`);
      return `{${fields.join(",")}}`;
    }
    if (Object.is(value, -0)) return "-0";
    const escape = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return json(value).replace(/[<>&\u2028\u2029]/g, escape);
  }

  // ---- settings against JOB_TYPE ----------------------------------------------------------

  const FITS = {
    string: (value) => typeof value === "string" || typeof value === "number",
    int32: (value) => Number.isInteger(value) && value === (value | 0),
    float: (value) => typeof value === "number",
    bool: (value) => typeof value === "boolean",
  };

  function checkSettings(settings) {
    for (const { key, type, required, choices } of jobType.settings) {
      const value = Object.hasOwn(settings, key) ? settings[key] : undefined;
      if (!given(value)) {
        // Submitters fill in the file's own path; a job type may do without one.
        if (required && key !== "blendfile") throw new GoError(`the setting "${key}" is required, but was not given`);
        continue;
      }
      if (Object.hasOwn(FITS, type) && !FITS[type](value)) {
        throw new GoError(`the setting "${key}" must be of type ${type}, but ${show(value)} was given`);
      }
      if (choices && !fitsChoices(String(value), choices)) {
        throw new GoError(`the setting "${key}" must be one of ${choices.join(", ")}, but ${show(value)} was given`);
      }
    }
  }

  function fitsChoices(text, choices) {
    // A path among the choices may have been replaced by a farm variable on its way here.
    return text === "" || choices.includes(text) || /\{[^{}]+\}/.test(text);
  }

  // ---- the job object ---------------------------------------------------------------------

  /** A Date that also has the methods scripts knew on Flamenco's time. */
  function creationTime(millis) {
    const date = new Date(millis);
    const methods = {
      unix: () => Math.floor(date.getTime() / 1000),
      unixMilli: () => date.getTime(),
      year: () => date.getFullYear(),
      month: () => date.getMonth() + 1,
      day: () => date.getDate(),
      hour: () => date.getHours(),
      minute: () => date.getMinutes(),
      second: () => date.getSeconds(),
      nanosecond: () => date.getMilliseconds() * 1e6,
      weekday: () => date.getDay(),
    };
    for (const [name, value] of Object.entries(methods)) Object.defineProperty(date, name, { value });
    return date;
  }

  function addTask(task) {
    if (!isObject(task)) throw new TypeError(`addTask: ${show(task)} is not a task`);
    const known = Task.numberOf(task) > 0 ? task : adopt(task);
    if (job.added.length >= config.tasks) throw new GoError(`a job may have at most ${config.tasks} tasks`);
    job.added.push(known.snapshot());
  }

  /** A task out of a plain object with the same fields. */
  function adopt(fields) {
    const task = newTask(toText(fields.name), toText(fields.type), toInteger(fields.priority));
    for (const command of fields.commands ?? []) task.addCommand(command);
    for (const dependency of fields.dependencies ?? []) task.addDependency(dependency);
    return task;
  }

  function makeJob(request) {
    const added = [];
    const target = {
      jobID: config.jobId,
      workerTagUUID: request.worker_tag,
      name: request.name,
      jobType: config.name,
      priority: request.priority,
      status: "under-construction",
      created: creationTime(request.created_ms),
      settings: request.settings,
      metadata: request.metadata,
      storage: { shamanCheckoutID: request.shaman_checkout_id },
      tasks: added,
      addTask,
    };
    job = { target, added };
    const writable = {
      name: toText,
      jobType: toText,
      status: toText,
      priority: toInteger,
      settings: (value) => toMap(value, "job.settings"),
      metadata: (value) => toMap(value, "job.metadata"),
    };
    return new Proxy(target, {
      set(fields, key, value) {
        if (!Object.hasOwn(writable, key)) throw new TypeError(`Cannot assign to property ${String(key)} of a job`);
        fields[key] = writable[key](value);
        return true;
      },
      defineProperty: () => false,
      deleteProperty: () => false,
    });
  }

  function compile(request) {
    request.settings = JSON.parse(request.settings);
    if (!isObject(request.settings) || Array.isArray(request.settings)) {
      throw new GoError("the settings of a job must be an object");
    }
    checkSettings(request.settings);
    const exists = evaluateGlobally("typeof compileJob") === "function";
    if (!exists) throw new GoError(`script (${config.script}) does not define a compileJob(job) function`);
    const compileJob = evaluateGlobally("compileJob");
    const result = compileJob(makeJob(request));
    if (result instanceof Promise) {
      promise = "pending";
      result.then(
        () => (promise = "kept"),
        (error) => {
          promise = "broken";
          promiseFailure = error;
        },
      );
    }
    return null;
  }

  // ---- the result -------------------------------------------------------------------------

  function finish() {
    if (promise === "broken") throw promiseFailure;
    if (promise === "pending") {
      throw new GoError("compileJob waits for something that never happens (there are no timers here)");
    }
    const { target, added } = job;
    const stranger = added.find((task) => Task.numberOf(task) === 0);
    if (stranger !== undefined) throw new GoError(`job.tasks holds ${show(stranger)}, which is not a task`);
    const waits = resolveDependencies(added);
    batches = batchesOf(added, waits);
    const metadata = {};
    for (const [key, value] of Object.entries(target.metadata)) metadata[key] = toText(value);
    return {
      name: target.name,
      priority: target.priority,
      settings: json(storable(target.settings, "setting")),
      metadata,
      task_count: added.length,
      steps_total: added.reduce((sum, task) => sum + stepsOf(task), 0),
      warnings: warningsAbout(added.slice(0, TASKS_PER_BATCH)),
    };
  }

  const stepsOf = (task) => task.commands.reduce((sum, { totalStepCount }) => sum + Math.max(1, toInteger(totalStepCount)), 0);

  /** A task as it is stored. Made when it is handed over: meanwhile others write the ones before it. */
  function finishTask(task, no) {
    const name = toText(task.name);
    const steps = stepsOf(task);
    const commands = json(
      task.commands.map((command) => {
        const parameters = command.parameters;
        const where = `task "${name}": command ${command.name}`;
        return {
          name: toText(command.name),
          parameters: isStorable(parameters) ? parameters : storable(parameters, `${where}: parameter`),
          total_step_count: toInteger(command.totalStepCount),
        };
      }),
    );
    task.commands = []; // large jobs would not fit twice into the memory
    const head = [no, name, toText(task.type), toInteger(task.priority), steps];
    const bytes = utf8Bytes(commands) + utf8Bytes(name) + utf8Bytes(head[2]);
    if (bytes > config.taskBytes) {
      throw new GoError(`task "${name.slice(0, 100)}" is too large: its commands need ${bytes} bytes, ` +
        `but a task may have ${config.taskBytes}`);
    }
    return { head, commands };
  }

  /** What looks wrong about the first tasks; the others are hardly different. */
  function warningsAbout(tasks) {
    const warnings = new Set();
    for (const task of tasks) {
      for (const command of task.commands) {
        const where = `task "${toText(task.name)}": command ${command.name}`;
        if (!Object.hasOwn(COMMANDS, command.name)) {
          warnings.add(`${where} is not a command that every worker knows`);
          continue;
        }
        for (const key of COMMANDS[command.name]) {
          if (!given(command.parameters[key])) warnings.add(`${where} has no parameter "${key}"`);
        }
      }
    }
    return [...warnings].slice(0, 20);
  }

  /** How long the text is in UTF-8; not counted exactly while it is short in any case. */
  function utf8Bytes(text) {
    if (text.length * 9 <= config.taskBytes) return text.length;
    let bytes = text.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
    }
    return bytes;
  }

  /** For every task the numbers of the tasks it waits for, ascending; undefined for none. */
  function resolveDependencies(added) {
    const noOf = [];
    added.forEach((task, index) => (noOf[Task.numberOf(task)] = index + 1));
    let backwards = false;
    const waits = added.map((task, index) => {
      if (task.dependencies.length === 0) return undefined;
      const numbers = Uint32Array.from(task.dependencies, (dependency) => {
        const no = noOf[Task.numberOf(dependency)];
        if (no !== undefined) return no;
        const name = isObject(dependency) ? toText(dependency.name) : show(dependency);
        throw new GoError(`task "${task.name}" depends on "${name}", which was not added to the job`);
      }).sort();
      numbers.forEach((no, i) => {
        if (i > 0 && no === numbers[i - 1]) {
          throw new GoError(`task "${task.name}" depends on "${added[no - 1].name}" twice`);
        }
      });
      backwards ||= numbers.at(-1) > index;
      task.dependencies = [];
      return numbers;
    });
    if (backwards) refuseCycles(waits, added);
    return waits;
  }

  /** Walk every chain of dependencies once, and name the first that leads back to itself. */
  function refuseCycles(waits, added) {
    const none = [];
    const seen = new Uint8Array(added.length); // 1: on the chain, 2: leads nowhere bad
    for (let start = 0; start < added.length; start++) {
      const chain = seen[start] === 0 ? [start] : [];
      const next = [0];
      seen[start] ||= 1;
      while (chain.length > 0) {
        const at = chain.at(-1);
        const dependencies = waits[at] ?? none;
        if (next.at(-1) === dependencies.length) {
          seen[at] = 2;
          chain.pop();
          next.pop();
          continue;
        }
        const then = dependencies[next[next.length - 1]++] - 1;
        if (seen[then] === 1) {
          const names = [...chain.slice(chain.indexOf(then)), then].slice(0, 10).map((i) => `"${added[i].name}"`);
          throw new GoError(`these tasks wait for each other: ${names.join(" → ")}`);
        }
        if (seen[then] === 0) {
          seen[then] = 1;
          chain.push(then);
          next.push(0);
        }
      }
    }
  }

  /** Ascending numbers as runs [first, last]. */
  function runsOf(numbers) {
    const runs = [];
    for (const no of numbers) {
      const run = runs.at(-1);
      if (run && run[1] === no - 1) run[1] = no;
      else runs.push([no, no]);
    }
    return runs;
  }

  /** Batches of tasks: a line of heads, a line of dependencies, then one line of commands per task. */
  function* batchesOf(tasks, waits) {
    for (let next = 0; next < tasks.length; ) {
      let letters = 0;
      const heads = [];
      const dependencies = [];
      const lines = [];
      while (next < tasks.length && lines.length < TASKS_PER_BATCH && letters < LETTERS_PER_BATCH) {
        const { head, commands } = finishTask(tasks[next], next + 1);
        if (waits[next]) dependencies.push([next + 1, runsOf(waits[next])]);
        next++;
        letters += commands.length;
        heads.push(head);
        lines.push(commands);
      }
      yield [json(heads), json(dependencies), ...lines].join("\n");
    }
  }

  // ---- the engine's questions -------------------------------------------------------------

  function wordsFor(error) {
    try {
      return error instanceof GoError ? error.message : String(error);
    } catch {
      return show(error);
    }
  }

  const answers = {
    describe,
    compile: (text) => compile(JSON.parse(text)),
    finish,
    printed: () => prelude.printed,
    sources: () => prelude.sources,
    begun: () => prelude.begun(),
  };

  return (what, argument) => {
    if (what === "batch") return batches.next().value ?? "";
    try {
      return json({ value: answers[what](argument) });
    } catch (error) {
      const stack = error instanceof Error ? toText(error.stack) : "";
      return json({ error: { text: wordsFor(error), stack, sources: prelude.sources } });
    }
  };
})
