"""What a submitting machine finds out about a .blend before it submits.

A job type asks for settings; some of their values only the scene knows (its frame range, its image
format), so job types give Python expressions for them, to be evaluated *in Blender* with the file
open. Flamenco's add-on does this in the artist's Blender. Here a Blender in the background does it,
so that a terminal or a web page on the artist's own machine can submit a file too:

- `read_scene` runs inside Blender and is our only code there: it evaluates the settings and looks
  at the scene. It cannot import the rest of the program, as Blender brings its own Python;
- `scene_values` is our side of it: it starts Blender, and reads what people type as settings.

The two talk through two JSON files, as Blender prints to stdout whatever it likes. Nothing is
saved, and neither scripts inside the .blend nor the user's add-ons run: submitting a file must not
be riskier than copying it. A job type's expressions do run, on the machine that submits, with its
user's rights: as in Flamenco, whoever may install job types on a farm is trusted by those who
submit to it.
"""
