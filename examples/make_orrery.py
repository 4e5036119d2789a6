"""Builds the demo scene: a brass orrery under lamp light, one seamless loop.

Is: a script for Blender's own Python (3.4 and later, also the `bpy` module), without other files.
Is not: part of the program, which ships the .blend that this script saves.

    blender -b --factory-startup --python examples/make_orrery.py -- examples/orrery.blend
    python examples/make_orrery.py examples/orrery.blend            (where `bpy` is installed)

The shipped file is saved by Blender 3.4, the oldest series it is meant for: newer ones open it too.
The look is chosen for speed: few samples without denoising stay clean because every lamp is large,
light bounces little, and the glow of the sun is painted instead of computed.
"""

import math
import sys
from itertools import pairwise
from pathlib import Path

import bpy  # before the two it brings along

# isort: split
import bmesh
from mathutils import Matrix, Vector

FRAMES = 16
FPS = 12
SIZE = (448, 252)
SAMPLES = 14

CAMERA_AT = Vector((0.0, -8.6, 3.9))
BRASS = (0.92, 0.55, 0.20)
AXLE_HEIGHT = 1.62
"""Where the sun is and the arms turn."""


# Materials


def principled(name, colour, *, metallic=0.0, roughness=0.4):
    """Return a new material and its shader; only inputs whose name never changed are set."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Metallic"].default_value = metallic
    shader.inputs["Roughness"].default_value = roughness
    return material


def matt(name, colour):
    """Return a material without any gloss: the quickest to render."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    diffuse = nodes.new("ShaderNodeBsdfDiffuse")
    diffuse.inputs["Color"].default_value = (*colour, 1.0)
    links.new(diffuse.outputs[0], nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    return material


def set_ramp(ramp, stops):
    """Give the colour ramp node `ramp` the (position, colour) pairs of `stops`, in rising order."""
    elements = ramp.color_ramp.elements
    for position, _ in stops[2:]:
        elements.new(position)
    for element, (position, colour) in zip(elements, stops, strict=True):
        element.position = position
        element.color = (*colour, 1.0)


def colour_by(material, pattern, output, stops):
    """Paint `material` with a colour ramp over the texture node `pattern`."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(n for n in nodes if n.type == "BSDF_PRINCIPLED")
    ramp = nodes.new("ShaderNodeValToRGB")
    set_ramp(ramp, stops)
    coordinates = nodes.new("ShaderNodeTexCoord")
    links.new(coordinates.outputs["Object"], pattern.inputs["Vector"])
    links.new(pattern.outputs[output], ramp.inputs[0])
    links.new(ramp.outputs["Color"], shader.inputs["Base Color"])


def clouds(material, scale, stops):
    """Continents and oceans."""
    noise = material.node_tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = 4.0
    colour_by(material, noise, 0, stops)
    return material


def bands(material, scale, stops):
    """The belts of a gas planet."""
    wave = material.node_tree.nodes.new("ShaderNodeTexWave")
    wave.bands_direction = "Z"
    wave.inputs["Scale"].default_value = scale
    wave.inputs["Distortion"].default_value = 1.2
    colour_by(material, wave, 0, stops)
    return material


def shining(name, colours, strength, *, by, see_through=False):
    """Return a material that shines and lights nothing: the lamp beside it does, with less noise.

    `colours` run over what the node output `by` = (node type, output name) measures.
    """
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    kind, output = by
    measure, ramp = nodes.new(kind), nodes.new("ShaderNodeValToRGB")
    set_ramp(ramp, colours)
    emission = nodes.new("ShaderNodeEmission")
    emission.inputs["Strength"].default_value = strength
    links.new(measure.outputs[output], ramp.inputs[0])
    links.new(ramp.outputs["Color"], emission.inputs["Color"])
    surface = emission.outputs[0]
    if see_through:
        both = nodes.new("ShaderNodeAddShader")
        links.new(surface, both.inputs[0])
        links.new(nodes.new("ShaderNodeBsdfTransparent").outputs[0], both.inputs[1])
        surface = both.outputs[0]
    links.new(surface, nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    if hasattr(material.cycles, "emission_sampling"):  # since Blender 3.5
        material.cycles.emission_sampling = "NONE"
    else:
        material.cycles.sample_as_light = False
    return material


def only_seen(thing):
    """Let the camera see `thing`; light rays pass it."""
    thing.visible_diffuse = thing.visible_glossy = thing.visible_transmission = False
    thing.visible_shadow = False
    return thing


# Shapes


def place(name, mesh, material, *, at=(0, 0, 0), parent=None, smooth=True):
    """Put `mesh` into the scene as object `name`."""
    for polygon in mesh.polygons:
        polygon.use_smooth = smooth
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    thing.location = at
    thing.parent = parent
    bpy.context.scene.collection.objects.link(thing)
    return thing


def built(name, build):
    """Return a mesh made by `build(bmesh)`."""
    shape = bmesh.new()
    build(shape)
    mesh = bpy.data.meshes.new(name)
    shape.to_mesh(mesh)
    shape.free()
    return mesh


def ball(name, radius, material, **where):
    def build(shape):
        bmesh.ops.create_uvsphere(shape, u_segments=48, v_segments=24, radius=radius)

    return place(name, built(name, build), material, **where)


def lathe(name, profile, material, *, steps=64, **where):
    """Turn the (radius, height) pairs of `profile` around the upright axis."""

    def build(shape):
        corners = [shape.verts.new((radius, 0, height)) for radius, height in profile]
        edges = [shape.edges.new(pair) for pair in pairwise(corners)]
        bmesh.ops.spin(
            shape,
            geom=corners + edges,
            axis=(0, 0, 1),
            cent=(0, 0, 0),
            angle=2 * math.pi,
            steps=steps,
        )
        bmesh.ops.remove_doubles(shape, verts=shape.verts, dist=1e-5)
        bmesh.ops.recalc_face_normals(shape, faces=shape.faces)

    return place(name, built(name, build), material, **where)


def hoop(name, radius, thickness, material, *, flat=1.0, **where):
    """Lay a ring; `flat` squeezes it to a disc with a hole."""
    turns = [2 * math.pi * step / 16 for step in range(17)]
    profile = [
        (radius + thickness * math.cos(turn), flat * thickness * math.sin(turn)) for turn in turns
    ]
    return lathe(name, profile, material, steps=96, **where)


def rod(name, start, end, radius, material, **where):
    """Lay a round bar from `start` to `end`."""
    start, end = Vector(start), Vector(end)
    along = end - start

    def build(shape):
        bmesh.ops.create_cone(
            shape, cap_ends=True, segments=24, radius1=radius, radius2=radius, depth=along.length
        )
        turn = along.to_track_quat("Z", "Y").to_matrix().to_4x4()
        bmesh.ops.transform(
            shape, matrix=Matrix.Translation((start + end) / 2) @ turn, verts=shape.verts
        )

    return place(name, built(name, build), material, **where)


def gear(name, radius, teeth, height, material, **where):
    """Cut a wheel with `teeth` teeth, lying flat."""

    def build(shape):
        rim = []
        for step in range(teeth * 4):
            reach = radius if step % 4 in (1, 2) else radius * 0.88
            turn = 2 * math.pi * step / (teeth * 4)
            rim.append(shape.verts.new((reach * math.cos(turn), reach * math.sin(turn), 0)))
        face = shape.faces.new(rim)
        raised = bmesh.ops.extrude_face_region(shape, geom=[face])["geom"]
        corners = [part for part in raised if isinstance(part, bmesh.types.BMVert)]
        bmesh.ops.translate(shape, verts=corners, vec=(0, 0, height))
        bmesh.ops.recalc_face_normals(shape, faces=shape.faces)

    return place(name, built(name, build), material, smooth=False, **where)


# The machine


def pivot(name, turns, *, height=0.0, start=0.0, at=(0, 0), parent=None):
    """Return an empty that makes `turns` turns around the upright axis in one loop."""
    empty = bpy.data.objects.new(name, None)
    empty.location = (*at, height)
    empty.parent = parent
    bpy.context.scene.collection.objects.link(empty)
    for frame, angle in ((1, start), (FRAMES + 1, start + 2 * math.pi * turns)):
        empty.rotation_euler.z = angle
        empty.keyframe_insert("rotation_euler", index=2, frame=frame)
    for curve in curves_of(empty.animation_data.action):
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"
    return empty


def curves_of(action):
    """Return the curves of `action`: since Blender 5.0 they are only found in its layers."""
    if hasattr(action, "fcurves"):
        return action.fcurves
    return action.layers[0].strips[0].channelbags[0].fcurves


def carry(name, hub, distance, drop, brass):
    """Fit an arm to `hub` and return where the top of its post is."""
    low = -drop
    rod(f"{name} arm", (0, 0, low), (distance, 0, low), 0.028, brass, parent=hub)
    rod(f"{name} post", (distance, 0, low), (distance, 0, 0), 0.020, brass, parent=hub)
    ball(f"{name} joint", 0.050, brass, at=(distance, 0, low), parent=hub)
    return (distance, 0, 0)


def build_stand(brass, dull, dark):
    profile = [
        (0.0, 0.0), (0.92, 0.0), (0.95, 0.03), (0.92, 0.07), (0.80, 0.09), (0.76, 0.13),
        (0.50, 0.16), (0.20, 0.22), (0.10, 0.34), (0.075, 0.50), (0.075, 0.60), (0.13, 0.64),
        (0.13, 0.68), (0.06, 0.72), (0.055, 1.30), (0.0, 1.30),
    ]  # fmt: skip
    lathe("Stand", profile, brass)
    lathe("Plinth", [(0.0, -0.10), (1.16, -0.10), (1.18, -0.05), (1.14, 0.0), (0.0, 0.0)], dark)
    wheel = pivot("Wheel", 0.25, height=0.42)
    gear("Great gear", 0.54, 32, 0.07, dull, parent=wheel)
    pinion = pivot("Pinion", -2 / 3, height=0.42, at=(0.49, -0.49))
    gear("Small gear", 0.20, 12, 0.07, dull, parent=pinion)
    rod("Small axle", (0.49, -0.49, 0.05), (0.49, -0.49, 0.52), 0.035, brass)


def build_sun():
    surface = shining(
        "Sunlight",
        [(0.0, (1.0, 0.72, 0.30)), (0.55, (1.0, 0.42, 0.08)), (1.0, (0.85, 0.16, 0.01))],
        4.0,
        by=("ShaderNodeLayerWeight", "Facing"),
    )
    only_seen(ball("Sun", 0.40, surface, at=(0, 0, AXLE_HEIGHT)))
    haze = shining(
        "Haze",
        [
            (0.0, (0.0, 0.0, 0.0)),
            (0.25, (0.008, 0.003, 0.001)),
            (0.50, (0.050, 0.018, 0.005)),
            (0.72, (0.30, 0.11, 0.025)),
            (1.0, (1.0, 0.42, 0.10)),
        ],
        0.8,
        by=("ShaderNodeTexGradient", "Fac"),
        see_through=True,
    )
    gradient = next(n for n in haze.node_tree.nodes if n.type == "TEX_GRADIENT")
    gradient.gradient_type = "SPHERICAL"
    coordinates = haze.node_tree.nodes.new("ShaderNodeTexCoord")
    haze.node_tree.links.new(coordinates.outputs["Object"], gradient.inputs["Vector"])

    def build(shape):
        bmesh.ops.create_circle(shape, cap_ends=True, segments=48, radius=1.0)

    disc = only_seen(place("Haze", built("Haze", build), haze, at=(0, 0, AXLE_HEIGHT)))
    disc.rotation_euler = (CAMERA_AT - Vector(disc.location)).to_track_quat("Z", "Y").to_euler()
    disc.scale = (1.5, 1.5, 1.5)


def build_planets(brass):
    build_sun()

    inner = pivot("Inner beam", 1, height=AXLE_HEIGHT, start=math.radians(-62))
    coral = principled("Coral", (0.85, 0.14, 0.06), roughness=0.35)
    ball("Coral planet", 0.20, coral, at=carry("Coral", inner, -0.90, 0.56, brass), parent=inner)
    ocean = clouds(
        principled("Ocean", (0, 0, 0), roughness=0.3),
        4.0,
        [
            (0.44, (0.01, 0.09, 0.42)),
            (0.52, (0.03, 0.30, 0.62)),
            (0.56, (0.10, 0.42, 0.16)),
            (0.66, (0.80, 0.85, 0.75)),
        ],
    )
    home = carry("Blue", inner, 1.14, 0.56, brass)
    blue = ball("Blue planet", 0.27, ocean, at=home, parent=inner)
    month = pivot("Month", 2, parent=blue)
    ball("Moon", 0.075, principled("Moon", (0.75, 0.73, 0.70)), at=(0.36, 0, 0.06), parent=month)

    # Two equal giants on one beam: the beam may make half a turn and the loop still closes.
    outer = pivot("Outer beam", 0.5, height=AXLE_HEIGHT, start=math.radians(20))
    belts = bands(
        principled("Belts", (0, 0, 0), roughness=0.45),
        4.2,
        [(0.0, (0.72, 0.30, 0.09)), (0.5, (0.90, 0.60, 0.28)), (1.0, (0.42, 0.13, 0.05))],
    )
    ice = principled("Ice ring", (0.80, 0.62, 0.40), roughness=0.5)
    for side in (0, 180):
        half = pivot(f"Half {side}", 0, start=math.radians(side), parent=outer)
        giant = ball(
            f"Giant {side}",
            0.30,
            belts,
            at=carry(f"Outer {side}", half, 2.16, 0.78, brass),
            parent=half,
        )
        giant.rotation_euler = (math.radians(18), math.radians(-14), 0)
        hoop(f"Ring {side}", 0.48, 0.09, ice, flat=0.12, parent=giant)


def build_room():
    """A floor that runs up into the wall behind without an edge."""
    floor = matt("Night blue", (0.020, 0.042, 0.105))

    def build(shape):
        profile = [(-14, -0.1), (8, -0.1)]
        profile += [
            (8 + 3 * math.sin(a), 2.9 - 3 * math.cos(a))
            for a in (i * math.pi / 32 for i in range(1, 17))
        ]
        profile += [(11, 14)]
        rows = [[shape.verts.new((x, y, z)) for x in (-24, 24)] for y, z in profile]
        for (a, b), (c, d) in pairwise(rows):
            shape.faces.new((a, b, d, c))

    place("Room", built("Room", build), floor)


# Light and camera


def lamp(name, kind, energy, colour, at, *, size, towards=(0, 0, 1.0)):
    light = bpy.data.lights.new(name, kind)
    light.energy = energy
    light.color = colour
    if kind == "AREA":
        light.shape = "DISK"
        light.size = size
    else:
        light.shadow_soft_size = size
    thing = bpy.data.objects.new(name, light)
    thing.location = at
    thing.rotation_euler = (Vector(towards) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(thing)


def build_light():
    lamp("Key", "AREA", 600, (1.0, 0.90, 0.76), (-4.2, -3.6, 6.2), size=4.0)
    lamp("Rim", "AREA", 300, (0.40, 0.62, 1.0), (4.6, 4.6, 4.6), size=3.0)
    lamp("Sun lamp", "POINT", 150, (1.0, 0.62, 0.28), (0, 0, AXLE_HEIGHT), size=0.42)
    world = bpy.context.scene.world or bpy.data.worlds.new("World")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = next(n for n in world.node_tree.nodes if n.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.14, 0.20, 0.34, 1.0)
    background.inputs["Strength"].default_value = 0.5


def build_camera():
    camera = bpy.data.cameras.new("Camera")
    camera.lens = 53
    camera.dof.use_dof = True
    camera.dof.aperture_fstop = 1.1
    thing = bpy.data.objects.new("Camera", camera)
    thing.location = CAMERA_AT
    target = Vector((0.0, 0.0, 1.05))
    thing.rotation_euler = (target - thing.location).to_track_quat("-Z", "Y").to_euler()
    camera.dof.focus_distance = (Vector((0, -0.6, 1.3)) - thing.location).length
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.scene.camera = thing


def set_rendering(scene):
    render, cycles = scene.render, scene.cycles
    scene.frame_start, scene.frame_end, render.fps = 1, FRAMES, FPS
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y = SIZE
    render.resolution_percentage = 100
    render.use_persistent_data = True
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.filepath = "//render/orrery/######"
    scene.view_settings.view_transform = "Filmic"
    scene.view_settings.look = "Medium High Contrast"
    cycles.device = "CPU"
    cycles.samples = SAMPLES
    cycles.filter_width = 1.8
    cycles.use_denoising = False
    cycles.use_adaptive_sampling = False
    cycles.max_bounces = 3
    cycles.diffuse_bounces = 0
    cycles.glossy_bounces = 2
    cycles.caustics_reflective = False
    cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 1.0


def forget_folders():
    """Leave no folders of the machine that saves the file in its file browsers."""
    areas = [area for screen in bpy.data.screens for area in screen.areas]
    for space in (space for area in areas for space in area.spaces):
        if space.type == "FILE_BROWSER" and space.params:
            space.params.directory = b"//"


def main(out):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.save_version = 0
    set_rendering(bpy.context.scene)
    brass = principled("Brass", BRASS, metallic=1.0, roughness=0.24)
    dull = principled("Dull brass", BRASS, metallic=1.0, roughness=0.5)
    build_stand(brass, dull, principled("Ebony", (0.035, 0.018, 0.012), roughness=0.25))
    build_planets(brass)
    build_room()
    build_light()
    build_camera()
    forget_folders()
    bpy.ops.wm.save_as_mainfile(filepath=str(out.resolve()), compress=True)


if __name__ == "__main__":
    main(Path(sys.argv[-1]))
