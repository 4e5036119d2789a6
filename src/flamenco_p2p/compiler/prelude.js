// What a job-type script can use: author, path, process, require, print, alert, frameChunker,
// frameCount, formatTimestampLocal, shellSplit, GoError.
//
// Is: the whole script API, in JavaScript, because an engine with a time limit may not call Python.
// Is not: the reading of JOB_TYPE and the building of a job (host.js), or the limits (engine.py).
//
// Longer than other modules: the sandbox has no loader but the `require` that is defined here.
// Evaluates to a function: configuration in, the parts that host.js needs out. Whatever scripts may
// shadow (`const path = require("path")`) is an ordinary property of globalThis.
(function (config) {
  "use strict";

  const stringify = JSON.stringify;
  const evaluateGlobally = globalThis.eval;

  class GoError extends Error {
    get name() {
      return "GoError";
    }
  }

  // ---- conversions ------------------------------------------------------------------------

  /** Text as Flamenco's functions take it: missing and null are "". */
  function toText(value) {
    return value === undefined || value === null ? "" : String(value);
  }

  /** A whole number as Flamenco's functions take it: what is no number is 0. Within 32 bits. */
  function toInteger(value) {
    const number = Math.trunc(Number(value));
    return Number.isFinite(number) ? Math.max(-0x80000000, Math.min(number, 0x7fffffff)) || 0 : 0;
  }

  function isObject(value) {
    return typeof value === "object" && value !== null;
  }

  function put(target, key, value) {
    if (key === "__proto__") {
      Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
    } else {
      target[key] = value;
    }
  }

  // The keys that led to the value being copied, for error messages.
  const trail = [];

  function unstorable(what) {
    return new GoError(`${`${trail[0]} ${trail.slice(1).join(".")}`.trim()} ${what}`);
  }

  /** A deep copy that JSON can hold: undefined is null, a Date its RFC 3339 text, a Set an array. */
  function storable(value, where) {
    trail.length = 0;
    trail.push(where);
    return copyOf(value);
  }

  function copyOf(value) {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        if (Number.isFinite(value)) return value;
        throw unstorable(`is ${value}, which cannot be stored`);
      case "undefined":
        return null;
      case "symbol":
        return value.description ?? "";
      case "object":
        return value === null ? null : copyOfObject(value);
      default:
        throw unstorable(`is a ${typeof value}, which cannot be stored`);
    }
  }

  function copyOfObject(value) {
    if (trail.length > 100) {
      trail.length = 5;
      throw unstorable("is nested too deeply, or contains itself");
    }
    if (Array.isArray(value)) return copyOfItems(value);
    if (Object.getPrototypeOf(value) === Object.prototype) return copyOfFields(value);
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) throw unstorable("is an invalid date");
      return rfc3339(value);
    }
    if (value instanceof Set || value instanceof Map) return copyOfItems(Array.from(value));
    if (value instanceof RegExp || value instanceof Error || value instanceof String) return {};
    return copyOfFields(value);
  }

  /** Whether a value is what `storable` would make of it, so that no copy is needed. */
  function isStorable(value, depth = 0) {
    if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
    if (typeof value === "number") return Number.isFinite(value);
    if (typeof value !== "object" || depth > 90) return false;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) {
        if (typeof value[i] !== "string" && !isStorable(value[i], depth + 1)) return false;
      }
      return true;
    }
    if (Object.getPrototypeOf(value) !== Object.prototype) return false;
    for (const key in value) if (!isStorable(value[key], depth + 1)) return false;
    return true;
  }

  function copyOfFields(value) {
    const copy = {};
    const keys = Object.keys(value);
    for (let i = 0; i < keys.length; i++) {
      trail.push(keys[i]);
      put(copy, keys[i], copyOf(value[keys[i]]));
      trail.pop();
    }
    return copy;
  }

  function copyOfItems(values) {
    const items = [];
    trail.push("");
    for (let i = 0; i < values.length; i++) {
      if (typeof values[i] === "string") {
        items.push(values[i]);
      } else {
        trail[trail.length - 1] = i;
        items.push(copyOf(values[i]));
      }
    }
    trail.pop();
    return items;
  }

  /** A map as Flamenco's functions take it: an object with own keys, or a Map's entries. */
  function toMap(value, where) {
    if (value === undefined || value === null) return {};
    if (!isObject(value)) throw new TypeError(`${where} must be an object, not ${show(value)}`);
    trail.length = 0;
    trail.push(where);
    return copyOfFields(value instanceof Map ? Object.fromEntries(value) : value);
  }

  /** Any value as words for a log line or a message. */
  function show(value) {
    if (typeof value === "string") return value;
    try {
      return stringify(value) ?? String(value);
    } catch {
      return "(something that cannot be shown)";
    }
  }

  // ---- time -------------------------------------------------------------------------------

  const digits = (number, width) => String(number).padStart(width, "0");

  function rfc3339(date) {
    const zone = -date.getTimezoneOffset();
    const hours = digits(Math.trunc(Math.abs(zone) / 60), 2);
    const offset = zone === 0 ? "Z" : `${zone < 0 ? "-" : "+"}${hours}:${digits(Math.abs(zone) % 60, 2)}`;
    const millis = date.getMilliseconds();
    const fraction = millis === 0 ? "" : `.${digits(millis, 3)}`.replace(/0+$/, "");
    return `${day(date)}T${timeOfDay(date, ":")}${fraction}${offset}`;
  }

  function day(date) {
    return `${digits(date.getFullYear(), 4)}-${digits(date.getMonth() + 1, 2)}-${digits(date.getDate(), 2)}`;
  }

  function timeOfDay(date, separator) {
    return [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => digits(n, 2)).join(separator);
  }

  function formatTimestampLocal(when) {
    if (when === undefined || when === null) return "0001-01-01_000000";
    const date = typeof when === "string" ? new Date(when) : when;
    if (!(date instanceof Date)) throw new TypeError(`formatTimestampLocal: ${show(when)} is not a date`);
    if (Number.isNaN(date.getTime())) throw new RangeError("formatTimestampLocal: this date is invalid");
    return `${day(date)}_${timeOfDay(date, "")}`;
  }

  // ---- frames -----------------------------------------------------------------------------

  /** "1-10, 20" as sorted runs [first, last] that neither touch nor overlap; never one by one. */
  function parseFrames(text) {
    const range = toText(text).trim().replaceAll("..", "-");
    if (/^[0-9]{1,15}$/.test(range)) return { range, runs: [[+range, +range]], count: 1 };
    if (range === "") throw new GoError('invalid range "": empty range');
    const runs = [];
    for (const part of range.split(",")) {
      const pieces = part.split("-");
      if (pieces.length > 2) throw frameError(range, part);
      const [first, last = first] = pieces.map((piece) => frameNumber(piece, range, part));
      if (first <= last) runs.push([first, last]);
    }
    runs.sort((one, other) => one[0] - other[0]);
    const merged = [];
    for (const run of runs) {
      const previous = merged.at(-1);
      if (previous && run[0] <= previous[1] + 1) previous[1] = Math.max(previous[1], run[1]);
      else merged.push(run);
    }
    return { range, runs: merged, count: merged.reduce((sum, run) => sum + run[1] - run[0] + 1, 0) };
  }

  function frameNumber(piece, range, part) {
    const text = piece.trim();
    const number = /^\+?[0-9]+$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(number)) return number;
    throw frameError(range, part);
  }

  function frameError(range, part) {
    const two = part.trim().match(/^(\d+)\s+(\d+)$/);
    const advice = two ? `did you mean ${two[1]}-${two[2]} or ${two[1]},${two[2]}?` : "write for example 1-10,15";
    return new GoError(`invalid range "${range}": "${part}" is neither a frame nor a range of frames; ${advice}`);
  }

  function frameChunker(text, size) {
    if (toText(text).trim() === "") throw new GoError('invalid range "": empty range');
    const perChunk = toInteger(size);
    if (perChunk < 1) throw new GoError(`invalid chunk size, must be positive number: ${perChunk}`);
    const { range, runs, count } = parseFrames(text);
    if (count === 0) {
      throw new GoError(`invalid range "${range}": empty range, as the first frame comes after the last`);
    }
    tooMany(range, count, "frames", config.frames);
    tooMany(range, Math.ceil(count / perChunk), "chunks", config.tasks);
    return cut(runs, perChunk);
  }

  function tooMany(range, count, noun, most) {
    if (count > most) throw new GoError(`invalid range "${range}": ${count} ${noun} are more than the ${most} a job may have`);
  }

  function cut(runs, perChunk) {
    const chunks = [];
    let chunk = [];
    let room = perChunk;
    for (const [start, last] of runs) {
      for (let first = start; first <= last; ) {
        const end = Math.min(last, first + room - 1);
        chunk.push(runText(first, end));
        room -= end - first + 1;
        first = end + 1;
        if (room === 0) {
          chunks.push(chunk.join(","));
          chunk = [];
          room = perChunk;
        }
      }
    }
    if (chunk.length > 0) chunks.push(chunk.join(","));
    return chunks;
  }

  function runText(first, last) {
    if (first === last) return String(first);
    return last === first + 1 ? `${first},${last}` : `${first}-${last}`;
  }

  function frameCount(text) {
    return parseFrames(text).count;
  }

  // ---- words of a command line ------------------------------------------------------------

  function shellSplit(text) {
    const line = toText(text);
    const words = [];
    let word = null; // null between words, so that '' is a word
    for (let i = 0; i < line.length; i++) {
      const letter = line[i];
      if (" \t\r\n".includes(letter)) {
        if (word !== null) words.push(word);
        word = null;
      } else if (letter === "#" && word === null) {
        while (i + 1 < line.length && line[i + 1] !== "\n") i++;
      } else if (letter === "'" || letter === '"') {
        const [quoted, end] = quotedText(line, i);
        word = (word ?? "") + quoted;
        i = end;
      } else if (letter === "\\") {
        if (++i === line.length) throw new GoError("EOF found after escape character");
        word = (word ?? "") + line[i];
      } else {
        word = (word ?? "") + letter;
      }
    }
    if (word !== null) words.push(word);
    return words;
  }

  /** The text between the quote at `start` and its partner, and where the partner is. */
  function quotedText(line, start) {
    let text = "";
    for (let i = start + 1; i < line.length; i++) {
      if (line[i] === line[start]) return [text, i];
      if (line[i] === "\\" && line[start] === '"') {
        if (++i === line.length) throw new GoError("EOF found after escape character");
      }
      text += line[i];
    }
    throw new GoError("EOF found when expecting closing quote");
  }

  // ---- path, process ----------------------------------------------------------------------

  const slashes = (text) => text.replaceAll("\\", "/");

  /** Resolve ".", ".." and doubled slashes, as far as the text alone allows. */
  function clean(text) {
    const rooted = text.startsWith("/");
    const kept = [];
    for (const element of text.split("/")) {
      if (element === "" || element === ".") continue;
      if (element !== "..") kept.push(element);
      else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
      else if (!rooted) kept.push("..");
    }
    return (rooted ? "/" : "") + kept.join("/") || ".";
  }

  const path = {
    basename(text) {
      const given = slashes(toText(text));
      if (given === "") return ".";
      const bare = given.replace(/\/+$/, "");
      return bare === "" ? "/" : bare.slice(bare.lastIndexOf("/") + 1);
    },
    dirname(text) {
      const given = slashes(toText(text));
      const last = given.lastIndexOf("/");
      return last < 0 ? "." : given.slice(0, last) || "/";
    },
    join(...elements) {
      const kept = elements.map(toText).filter((element) => element !== "");
      return kept.length === 0 ? "" : slashes(clean(kept.join("/")));
    },
    stem(text) {
      if (toText(text) === "") return "";
      const name = path.basename(text);
      const dot = name.lastIndexOf(".");
      return dot < 0 ? name : name.slice(0, dot);
    },
  };

  const process = { platform: config.platform, cwd: () => config.cwd };

  // ---- author -----------------------------------------------------------------------------

  let created = 0;

  /** A command of a task; its parameters are its own copy. */
  class Command {
    constructor(name, parameters, totalStepCount) {
      this.name = name;
      this.parameters = parameters;
      this.totalStepCount = totalStepCount;
      Object.preventExtensions(this);
    }
  }

  /** A task being written. `number` counts creations and ends its UUID. */
  class Task {
    #number;
    #shares = false;
    #added = false;

    constructor(number, name, type, priority, commands, dependencies) {
      this.#number = number;
      this.name = name;
      this.type = type;
      this.priority = priority;
      this.commands = commands;
      this.dependencies = dependencies;
      Object.preventExtensions(this);
    }

    get uUID() {
      return config.jobId.slice(0, -6) + this.#number.toString(16).padStart(6, "0");
    }

    static numberOf(task) {
      return isObject(task) && #number in task ? task.#number : 0;
    }

    addCommand(command) {
      if (!isObject(command)) throw new TypeError(`addCommand: ${show(command)} is not a command`);
      const parameters =
        command instanceof Command ? command.parameters : toMap(command.parameters, "command parameters");
      this.#part();
      this.commands.push(new Command(toText(command.name), parameters, toInteger(command.totalStepCount)));
    }

    addDependency(task) {
      const number = Task.numberOf(task);
      if (number === 0) throw new TypeError(`addDependency: ${show(task)} is not a task made by author.Task`);
      if (number === this.#number) throw new GoError(`task "${this.name}" cannot depend on itself`);
      this.#part();
      this.dependencies.push(task);
    }

    /** A copy that later changes of this task do not reach; large jobs share lists until then. */
    snapshot() {
      if (this.#added) throw new GoError(`task "${toText(this.name)}" was added to the job twice`);
      const { commands, dependencies } = this;
      const [name, type, priority] = [toText(this.name), toText(this.type), toInteger(this.priority)];
      const copy = new Task(this.#number, name, type, priority, commands, dependencies);
      copy.#shares = this.#shares = true;
      copy.#added = this.#added = true;
      return copy;
    }

    /** Before a change: own lists again. */
    #part() {
      if (!this.#shares) return;
      this.#shares = false;
      this.commands = this.commands.map((old) => new Command(old.name, old.parameters, old.totalStepCount));
      this.dependencies = this.dependencies.slice();
    }
  }

  function newTask(name, type, priority) {
    if (++created > 0xffffff) throw new GoError("this script makes too many tasks");
    return new Task(created, name, type, priority, [], []);
  }

  const author = {
    Task(name, type) {
      const [taskName, taskType] = [toText(name).trim(), toText(type).trim()];
      if (taskName === "") throw new GoError("author.Task(name, type): name is required");
      if (taskType === "") throw new GoError("author.Task(name, type): type is required");
      return newTask(taskName, taskType, 50);
    },
    Command(name, parameters, totalStepCount) {
      const command = toText(name);
      return new Command(command, toMap(parameters, `command ${command}: parameter`), toInteger(totalStepCount));
    },
  };

  // ---- print, alert -----------------------------------------------------------------------

  const printed = [];

  function printer(level) {
    return (...values) => {
      if (printed.length < 1000) printed.push([level, values.map(show).join(" ").slice(0, 2000)]);
    };
  }

  // ---- require ----------------------------------------------------------------------------

  const native = { author, path, process };
  const modules = new Map();
  const sources = [...config.sources]; // [first line, file name], in the order they were evaluated
  let nextLine = config.nextLine;

  const isFile = (name) => Object.hasOwn(config.files, name);

  /** The path below the scripts folder that `name` means in `folder`; refused when it lies outside. */
  function inside(folder, name) {
    const target = clean(slashes(folder === "" ? name : `${folder}/${name}`));
    if (name.startsWith("/") || /^[A-Za-z]:/.test(name) || target === ".." || target.startsWith("../")) {
      throw new GoError(`require("${name}") leads out of the scripts folder`);
    }
    return target;
  }

  function findModule(target) {
    const inFolder = [`${target}/index.js`, `${target}/index.json`];
    if (isFile(`${target}/package.json`)) {
      const main = toText(JSON.parse(config.files[`${target}/package.json`]).main);
      if (main !== "") {
        const start = inside(target, main);
        inFolder.unshift(start, `${start}.js`, `${start}/index.js`);
      }
    }
    return [target, `${target}.js`, `${target}.json`, ...inFolder].find(isFile);
  }

  function locate(folder, name) {
    if (/^(\.{0,2}[\\/]|\.{1,2}$|[A-Za-z]:)/.test(name)) return findModule(inside(folder, name));
    for (let at = folder; ; at = path.dirname(at)) {
      const base = at === "." ? "" : at;
      const found = findModule(inside(base, `node_modules/${name}`));
      if (found !== undefined || base === "") return found;
    }
  }

  function load(file) {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const text = config.files[file];
    if (file.endsWith(".json")) {
      module.exports = JSON.parse(text);
      return module.exports;
    }
    // Every source gets its own block of lines, so that a line number alone names its file.
    sources.push([nextLine, file]);
    const padding = "\n".repeat(nextLine - 1);
    nextLine += text.split("\n").length + 1;
    const body = evaluateGlobally(`${padding}(function (exports, require, module) {${text}\n})`);
    body.call(module.exports, module.exports, requireFrom(path.dirname(file)), module);
    return module.exports;
  }

  function requireFrom(folder) {
    return (name) => {
      const wanted = toText(name);
      if (Object.hasOwn(native, wanted)) return native[wanted];
      const file = locate(folder === "." ? "" : folder, wanted);
      if (file === undefined) throw new GoError(`Invalid module: "${wanted}" is not in the scripts folder`);
      return load(file);
    };
  }

  const globals = {
    author, path, process, frameChunker, frameCount, formatTimestampLocal, shellSplit, GoError,
    require: requireFrom(""), print: printer("info"), alert: printer("warning"),
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }

  // Called by the first statement of a script: a script that never gets there cannot be parsed.
  let begun = false;
  globalThis[config.beginMarker] = () => {
    delete globalThis[config.beginMarker];
    begun = true;
  };

  return {
    config, begun: () => begun, evaluateGlobally, GoError, Task, newTask, toText, toInteger, storable, isStorable, toMap, show, isObject,
    printed, sources,
  };
})
