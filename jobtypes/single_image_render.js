// Single Image Render: one frame cut into tiles, so that several computers render it together.
//
// Every tile is rendered with a margin around it, so that denoising sees its neighbourhood, and saved
// as a float EXR. The last task cuts the margins off, puts the tiles side by side, and saves the image
// in the scene's own format and colours. Compositing and sequencer are left out: they would need the
// whole image.

const JOB_TYPE = {
  label: "Single Image Render",
  description: "Render one frame in tiles on several computers, without compositing, and merge them",
  settings: [
    {
      key: "frame", type: "int32", required: true, eval: "C.scene.frame_current",
      evalInfo: { showLinkButton: true, description: "Current frame" },
      description: "The frame to render",
    },
    { key: "tile_size_x", type: "int32", default: 64, description: "Width of a tile, in pixels" },
    { key: "tile_size_y", type: "int32", default: 64, description: "Height of a tile, in pixels" },
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
      description: "The merged image is saved in this folder, the tiles in a folder in it",
    },

    { key: "blendfile", type: "string", required: true, visible: "web", description: "The file to render" },
    {
      key: "format", type: "string", required: true, visible: "web",
      eval: "C.scene.render.image_settings.file_format",
    },
    { key: "scene", type: "string", visible: "web", eval: "C.scene.name", description: "The scene to render" },
    { key: "resolution_x", type: "int32", required: true, visible: "hidden", eval: "C.scene.render.resolution_x" },
    { key: "resolution_y", type: "int32", required: true, visible: "hidden", eval: "C.scene.render.resolution_y" },
    {
      key: "resolution_scale", type: "int32", required: true, visible: "hidden",
      eval: "C.scene.render.resolution_percentage",
    },
  ],
};

const MARGIN = 16; // pixels rendered around a tile, and cut off again
const MOST_TILES = 10000;
const VIDEO_FORMATS = ["FFMPEG", "AVI_RAW", "AVI_JPEG"];

function compileJob(job) {
  const settings = job.settings;
  check(settings);
  settings.render_output_path = settings.render_output_path.replaceAll(
    "{timestamp}", formatTimestampLocal(job.created));
  const folder = path.dirname(settings.render_output_path);

  const renderTasks = tilesOf(settings).map((tile) => renderTask(settings, folder, tile));
  for (const task of renderTasks) job.addTask(task);

  const merge = mergeTask(settings, folder);
  for (const task of renderTasks) merge.addDependency(task);
  job.addTask(merge);
}

function check(settings) {
  if (VIDEO_FORMATS.includes(settings.format)) {
    throw `This job type only renders images, and not "${settings.format}"`;
  }
  if (!settings.render_output_path) throw "no render_output_path setting!";
  if (settings.resolution_scale !== 100) {
    throw "This job type needs a resolution scale of 100%; change the resolution instead";
  }
  for (const key of ["resolution_x", "resolution_y", "tile_size_x", "tile_size_y"]) {
    if (!(settings[key] >= 1)) throw `The setting ${key} must be at least 1`;
  }
  const columns = Math.ceil(settings.resolution_x / settings.tile_size_x);
  const rows = Math.ceil(settings.resolution_y / settings.tile_size_y);
  if (columns * rows > MOST_TILES) {
    throw `${columns * rows} tiles are more than ${MOST_TILES}; use larger ones`;
  }
}

/** Tiles row by row from the bottom left, in pixels. */
function tilesOf({ resolution_x, resolution_y, tile_size_x, tile_size_y }) {
  const tiles = [];
  for (let bottom = 0; bottom < resolution_y; bottom += tile_size_y) {
    for (let left = 0; left < resolution_x; left += tile_size_x) {
      const right = Math.min(left + tile_size_x, resolution_x);
      const top = Math.min(bottom + tile_size_y, resolution_y);
      tiles.push({ left, bottom, right, top });
    }
  }
  return tiles;
}

function renderTask(settings, folder, { left, bottom, right, top }) {
  const task = author.Task(`render-${left}-${bottom}`, "blender");
  task.addCommand(blender(settings, 1, [
    "--render-output", path.join(folder, "tiles", `${left}-${bottom}-${right}-${top}`),
    "--python-expr", tileCode(settings, { left, bottom, right, top }),
    "--render-format", "OPEN_EXR",
    "--render-frame", String(settings.frame),
  ]));
  return task;
}

function mergeTask(settings, folder) {
  const task = author.Task("merge", "blender");
  task.addCommand(blender(settings, 0, [
    "--render-output", path.join(folder, "merged"),
    "--python-expr", mergeCode(settings),
  ]));
  return task;
}

function blender(settings, steps, args) {
  const scene = settings.scene ? ["--scene", settings.scene] : [];
  return author.Command("blender-render", {
    exe: "{blender}",
    exeArgs: "{blenderArgs}",
    argsBefore: [],
    blendfile: settings.blendfile,
    args: ["--python-exit-code", "1", ...scene, ...args],
  }, steps);
}

// The Python below contains neither braces nor slashes, as farm variables may change those.

function tileCode({ resolution_x, resolution_y }, { left, bottom, right, top }) {
  // A quarter of a pixel inwards is the same pixel, whichever way Blender rounds.
  const share = (pixel, size) => String(Math.min(1, (pixel + 0.25) / size));
  return `import bpy
r = bpy.context.scene.render
r.resolution_x = ${resolution_x}
r.resolution_y = ${resolution_y}
r.resolution_percentage = 100
r.use_border = r.use_crop_to_border = True
r.border_min_x = ${share(Math.max(0, left - MARGIN), resolution_x)}
r.border_max_x = ${share(Math.min(resolution_x, right + MARGIN), resolution_x)}
r.border_min_y = ${share(Math.max(0, bottom - MARGIN), resolution_y)}
r.border_max_y = ${share(Math.min(resolution_y, top + MARGIN), resolution_y)}
r.use_compositing = r.use_sequencer = r.use_stamp = False
r.use_file_extension = True
r.use_overwrite = r.use_placeholder = False
i = r.image_settings
if hasattr(i, 'media_type'):
    i.media_type = 'IMAGE'
i.file_format = 'OPEN_EXR'
i.color_mode = 'RGBA'
i.color_depth = '32'
i.exr_codec = 'ZIP'
`;
}

function mergeCode(settings) {
  const { frame, resolution_x, resolution_y, tile_size_x, tile_size_y } = settings;
  const format = settings.format.replace("_MULTILAYER", "").replace(/^(EXR|MULTILAYER)$/, "OPEN_EXR");
  return `import array, os, bpy
scene = bpy.context.scene
output = bpy.path.abspath(scene.render.filepath)
width, height = ${resolution_x}, ${resolution_y}
whole = array.array('f', bytes(16 * width * height))
for bottom in range(0, height, ${tile_size_y}):
    for left in range(0, width, ${tile_size_x}):
        right, top = min(left + ${tile_size_x}, width), min(bottom + ${tile_size_y}, height)
        x, y = max(0, left - ${MARGIN}), max(0, bottom - ${MARGIN})
        w, h = min(width, right + ${MARGIN}) - x, min(height, top + ${MARGIN}) - y
        name = '%d-%d-%d-%d%04d.exr' % (left, bottom, right, top, ${frame})
        tile = bpy.data.images.load(os.path.join(os.path.dirname(output), 'tiles', name))
        if tuple(tile.size) != (w, h) or tile.channels != 4:
            raise RuntimeError('%s has %d x %d pixels instead of %d x %d' % (name, *tile.size, w, h))
        pixels = array.array('f', bytes(16 * w * h))
        tile.pixels.foreach_get(pixels)
        bpy.data.images.remove(tile)
        count = 4 * (right - left)
        for row in range(bottom, top):
            start, target = 4 * ((row - y) * w + left - x), 4 * (row * width + left)
            whole[target:target + count] = pixels[start:start + count]
merged = bpy.data.images.new('merged', width, height, alpha=True, float_buffer=True)
merged.alpha_mode = 'PREMUL'
merged.pixels.foreach_set(whole)
settings = scene.render.image_settings
if hasattr(settings, 'media_type'):
    settings.media_type = 'IMAGE'
settings.file_format = ${JSON.stringify(format)}
path = output + scene.render.file_extension
merged.save_render(path, scene=scene)
print("Saved: '%s'" % path, flush=True)
`;
}
