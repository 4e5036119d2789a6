// Simple Blender Render: one task per chunk of frames, then a preview video of all of them.

const JOB_TYPE = {
  label: "Simple Blender Render",
  description: "Render an image sequence, and make a preview video of it",
  settings: [
    // What the artist sees before submitting.
    {
      key: "frames", type: "string", required: true,
      eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
      evalInfo: { showLinkButton: true, description: "Scene frame range" },
      description: "Which frames to render, for example 47, 1-30 or 3, 5-10, 47-50",
    },
    {
      key: "chunk_size", type: "int32", default: 1, propargs: { min: 1 }, visible: "submission",
      description: "How many frames each task renders",
    },
    {
      key: "render_output_root", type: "string", subtype: "dir_path", visible: "submission",
      description: "Folder below which the job makes its own folder",
    },
    {
      key: "add_path_components", type: "int32", default: 0, propargs: { min: 0, max: 32 },
      visible: "submission",
      description: "How many folder names of the blend file to repeat below the output root",
    },
    {
      key: "render_output_path", type: "string", subtype: "file_path", editable: false,
      eval: "str(Path(abspath(settings.render_output_root), last_n_dir_parts(settings.add_path_components), jobname, '{timestamp}', '######'))",
      description: "Where the frames are saved",
    },

    // What Blender fills in.
    { key: "blendfile", type: "string", required: true, visible: "web", description: "The file to render" },
    { key: "fps", type: "float", eval: "C.scene.render.fps / C.scene.render.fps_base", visible: "hidden" },
    {
      key: "format", type: "string", required: true, visible: "web",
      eval: "C.scene.render.image_settings.file_format",
    },
    { key: "image_file_extension", type: "string", visible: "hidden", eval: "C.scene.render.file_extension" },
    {
      key: "has_previews", type: "bool", required: false, visible: "hidden",
      eval: "C.scene.render.image_settings.use_preview",
      description: "Whether Blender saves a JPEG beside every EXR",
    },
    { key: "scene", type: "string", visible: "web", eval: "C.scene.name", description: "The scene to render" },
  ],
};

const VIDEO_FORMATS = ["FFMPEG", "AVI_RAW", "AVI_JPEG"];
const EXR_FORMATS = ["EXR", "MULTILAYER", "OPEN_EXR", "OPEN_EXR_MULTILAYER"];

// A task that runs again then skips the frames it has saved already.
const KEEP_EXISTING_FRAMES = [
  "import bpy",
  "r = bpy.context.scene.render",
  "r.use_file_extension = True",
  "r.use_overwrite = False",
  "r.use_placeholder = False",
].join("; ");

function compileJob(job) {
  const settings = job.settings;
  if (VIDEO_FORMATS.includes(settings.format)) {
    throw `This job type only renders images, and not "${settings.format}"`;
  }
  if (!settings.render_output_path) throw "no render_output_path setting!";
  settings.render_output_path = settings.render_output_path.replaceAll(
    "{timestamp}", formatTimestampLocal(job.created));

  const folder = path.dirname(settings.render_output_path);
  const pattern = path.join(folder, path.basename(settings.render_output_path));
  const renderTasks = frameChunker(settings.frames, settings.chunk_size)
    .map((chunk) => renderTask(settings, pattern, chunk));
  for (const task of renderTasks) job.addTask(task);

  const video = videoTask(settings, folder);
  if (!video) return;
  for (const task of renderTasks) video.addDependency(task);
  job.addTask(video);
}

function renderTask(settings, pattern, chunk) {
  const scene = settings.scene ? ["--scene", settings.scene] : [];
  const task = author.Task(`render-${chunk}`, "blender");
  task.addCommand(author.Command("blender-render", {
    exe: "{blender}",
    exeArgs: "{blenderArgs}",
    argsBefore: [],
    blendfile: settings.blendfile,
    args: [
      ...scene,
      "--python-expr", KEEP_EXISTING_FRAMES,
      "--render-output", pattern,
      "--render-format", settings.format,
      "--render-frame", chunk.replaceAll("-", ".."), // Blender's own way to write ranges
    ],
  }, frameCount(chunk)));
  return task;
}

function videoTask(settings, folder) {
  const isExr = EXR_FORMATS.includes(settings.format);
  if (!settings.fps || (isExr && !settings.has_previews)) return null;

  const stem = path.stem(settings.blendfile).replace(".flamenco", "");
  const extension = isExr ? ".jpg" : settings.image_file_extension;
  const task = author.Task("preview-video", "ffmpeg");
  task.addCommand(author.Command("frames-to-video", {
    exe: "ffmpeg",
    fps: settings.fps,
    inputGlob: path.join(folder, `*${extension}`),
    outputFile: path.join(folder, `${stem}-${rangeInFileName(settings.frames)}.mp4`),
    args: [
      "-c:v", "h264",
      "-crf", "20",
      "-g", "18",
      "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", // H.264 needs even sizes
      "-pix_fmt", "yuv420p",
      "-r", settings.fps,
      "-y",
    ],
  }));
  return task;
}

function rangeInFileName(frames) {
  const text = String(frames);
  if (!text.includes(",")) return text;
  const numbers = frameChunker(text, 1);
  return `${numbers.at(0)}-${numbers.at(-1)}`;
}
