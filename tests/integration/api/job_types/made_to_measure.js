// Tasks exactly as a test wants them: {name, type, priority, after: [indices], steps: [counts]}.

const JOB_TYPE = {
  label: "Made to Measure",
  settings: [{ key: "tasks", type: "string", default: "[]" }],
};

function compileJob(job) {
  const made = [];
  for (const wanted of JSON.parse(job.settings.tasks)) {
    const task = author.Task(wanted.name ?? `task ${made.length + 1}`, wanted.type ?? "misc");
    if (wanted.priority !== undefined) task.priority = wanted.priority;
    for (const steps of wanted.steps ?? []) {
      task.addCommand(author.Command("echo", { message: "{blender} {unknown}" }, steps));
    }
    for (const before of wanted.after ?? []) task.addDependency(made[before]);
    made.push(task);
    job.addTask(task);
  }
}
