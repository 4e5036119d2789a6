"""A `blender` command line for the Blender that comes as a Python package (`bpy`).

Is: a program of its own, started as `python embedded_blender.py -b file.blend …`. It obeys the
arguments that job types and people pass for rendering, in their order, as Blender does, and speaks
as Blender does. Is not: part of the daemon (it imports nothing of it), and not a full Blender:
no window, no arguments about windows, logging or debugging (taken and ignored).

Where Blender goes on after a mistake (a missing scene, an unknown format, a frame that is no
number, a script that fails) this program says so as Blender does, and ends with status 1.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
import types
from itertools import pairwise
from pathlib import Path

_FORMATS = {
    "TGA": "TARGA",
    "RAWTGA": "TARGA_RAW",
    "JP2": "JPEG2000",
    "IRIZ": "IRIS",
    "AVIJPEG": "AVI_JPEG",
    "AVIRAW": "AVI_RAW",
    "MPEG": "FFMPEG",
    "MULTILAYER": "OPEN_EXR_MULTILAYER",
}
_MEDIA_TYPES = {"FFMPEG": "VIDEO", "OPEN_EXR_MULTILAYER": "MULTI_LAYER_IMAGE"}  # since 5.0

_IGNORED = {
    *("-b", "--background", "-noaudio", "--factory-startup", "--offline-mode", "--online-mode"),
    *("--python-use-system-env", "--enable-event-simulate", "-d", "--no-native-pixels", "-q"),
    *("--quiet", "--disable-crash-handler", "--disable-abort-handler"),
}
_IGNORED_WITH_VALUE = {
    *("--log", "--log-level", "--log-file", "-setaudio", "--gpu-backend", "--debug-value"),
    *("--verbose", "--app-template", "--env-system-datafiles", "--env-system-scripts"),
}
_STATISTICS_EVERY_S = 0.5


class Wrong(Exception):
    """The command line asks for what cannot be. The text is Blender's `Error:` line."""


def say(*lines: str) -> None:
    """Print at once: the pipe must not hold back progress."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


class CommandLine:
    """The arguments, obeyed one after the other."""

    def __init__(self, words: list[str]) -> None:
        import bpy

        self.bpy = bpy
        self.words = iter(words)
        self.use_scripts = False
        self.exit_code_of_scripts = 1
        self.obey = {
            **dict.fromkeys(("-y", "--enable-autoexec"), self.allow_scripts),
            **dict.fromkeys(("-Y", "--disable-autoexec"), self.forbid_scripts),
            **dict.fromkeys(("-o", "--render-output"), self.set_output),
            **dict.fromkeys(("-F", "--render-format"), self.set_format),
            **dict.fromkeys(("-x", "--use-extension"), self.set_use_extension),
            **dict.fromkeys(("-E", "--engine"), self.set_engine),
            **dict.fromkeys(("-t", "--threads"), self.set_threads),
            **dict.fromkeys(("-S", "--scene"), self.set_scene),
            **dict.fromkeys(("-s", "--frame-start"), self.set_start),
            **dict.fromkeys(("-e", "--frame-end"), self.set_end),
            **dict.fromkeys(("-j", "--frame-jump"), self.set_step),
            **dict.fromkeys(("-f", "--render-frame"), self.render_frames),
            **dict.fromkeys(("-a", "--render-anim"), self.render_animation),
            **dict.fromkeys(("-P", "--python"), self.run_file),
            "--python-expr": self.run_expression,
            "--python-text": self.run_text,
            "--python-exit-code": self.set_exit_code,
            "--addons": self.enable_addons,
        }

    def run(self) -> None:
        """Obey all of it. Raises `Wrong` or SystemExit."""
        for word in self.words:
            if word in self.obey:
                self.word = word
                self.obey[word]()
            elif word in _IGNORED_WITH_VALUE:
                next(self.words, None)
            elif word in _IGNORED or word.startswith(("--debug", "--log")):
                continue
            else:
                if word.startswith("-"):
                    say(f"unknown argument, loading as file: {word}")
                self.open(word)

    @property
    def scene(self):
        return self.bpy.context.scene

    def value(self, what: str) -> str:
        """The word after the present one."""
        value = next(self.words, None)
        if value is None:
            raise Wrong(f"{what} must follow '{self.option}'.")
        return value

    @property
    def option(self) -> str:
        """The present option under all its names, as Blender writes it in messages."""
        names = [word for word, obey in self.obey.items() if obey == self.obey[self.word]]
        return " / ".join(names)

    def frame(self, text: str) -> int:
        """A frame number; `+N` counts from the scene's start, `-N` back from its end."""
        try:
            number = int(text)
        except ValueError:
            raise Wrong(f"not a number '{self.option} {text}'.") from None
        if text.startswith("+"):
            return self.scene.frame_start + number
        return self.scene.frame_end + number if text.startswith("-") else number

    # Settings

    def allow_scripts(self) -> None:
        self.use_scripts = True

    def forbid_scripts(self) -> None:
        self.use_scripts = False

    def set_output(self) -> None:
        path = self.value("path")
        if not path.startswith("//"):
            # Since 5.0 a relative path would mean the folder of the file.
            path = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - keeps a final slash
        self.scene.render.filepath = path

    def set_format(self) -> None:
        name = self.value("format")
        name = _FORMATS.get(name, name)
        image = self.scene.render.image_settings
        try:
            if hasattr(image, "media_type"):
                image.media_type = _MEDIA_TYPES.get(name, "IMAGE")
            image.file_format = name
        except TypeError:
            raise Wrong(
                "Format from '-F / --render-format' not known or not compiled in this release."
            ) from None

    def set_use_extension(self) -> None:
        self.scene.render.use_file_extension = self.value("0 or 1") not in ("0", "false")

    def set_engine(self) -> None:
        name = self.value("engine")
        try:
            self.scene.render.engine = name
        except TypeError:
            raise Wrong(f"engine not found '{name}'") from None

    def set_threads(self) -> None:
        threads = self.frame(self.value("thread number"))
        self.scene.render.threads_mode = "FIXED" if threads else "AUTO"
        if threads:
            self.scene.render.threads = threads

    def set_scene(self) -> None:
        name = self.value("scene name")
        scene = self.bpy.data.scenes.get(name)
        if scene is None:
            raise Wrong(f"Can't find scene: '{name}' in file: '{self.bpy.data.filepath}'")
        self.bpy.context.window.scene = scene

    def set_start(self) -> None:
        self.scene.frame_start = self.frame(self.value("frame number"))

    def set_end(self) -> None:
        self.scene.frame_end = self.frame(self.value("frame number"))

    def set_step(self) -> None:
        self.scene.frame_step = self.frame(self.value("number of frames"))

    # Files and scripts

    def open(self, word: str) -> None:
        path = str(Path(word).absolute())
        try:
            self.bpy.ops.wm.open_mainfile(
                filepath=path, load_ui=False, use_scripts=self.use_scripts
            )
        except RuntimeError:
            raise SystemExit(1) from None  # Blender has printed why

    def run_file(self) -> None:
        path = Path(self.value("file name")).absolute()
        try:
            code = path.read_text(encoding="utf-8")
        except OSError as error:
            raise Wrong(
                f'Python: OSError: Python file "{path}" could not be opened: {error.strerror}'
            ) from None
        self.run_script(code, str(path))

    def run_expression(self) -> None:
        self.run_script(self.value("expression"), "<string>")

    def run_text(self) -> None:
        name = self.value("text name")
        text = self.bpy.data.texts.get(name)
        if text is None:
            raise Wrong(f"Python: text block not found {name}.")
        self.run_script(text.as_string(), name)

    def run_script(self, code: str, name: str) -> None:
        """Run `code` as the main module, as scripts for Blender expect."""
        module = types.ModuleType("__main__")
        module.__file__ = name
        ours = sys.modules["__main__"]
        sys.modules["__main__"] = module
        try:
            exec(compile(code, name, "exec"), module.__dict__)  # noqa: S102 - what was asked for
        except Exception as error:
            # Without our own frame, which tells the author of the script nothing.
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            text = "".join(traceback.format_exception(error))
            say(*f"Error: Python: {text}".splitlines())
            raise SystemExit(self.exit_code_of_scripts) from None
        finally:
            sys.modules["__main__"] = ours

    def set_exit_code(self) -> None:
        self.exit_code_of_scripts = self.frame(self.value("exit code number")) or 1

    def enable_addons(self) -> None:
        import addon_utils

        for name in self.value("add-ons").split(","):
            addon_utils.enable(name)

    # Rendering

    def render_frames(self) -> None:
        frames = []
        text = self.value("frame number")
        for part in text.split(","):
            if not part:
                raise Wrong(f"incorrect comma use '{self.option} {text}'.")
            first, dots, last = part.partition("..")
            start = self.frame(first)
            end = self.frame(last) if dots else start
            if end < start:
                raise Wrong(f"negative range '{self.option} {part}'.")
            frames += range(start, end + 1)
        self.render(frames, 1)

    def render_animation(self) -> None:
        scene = self.scene
        step = scene.frame_step
        self.render(list(range(scene.frame_start, scene.frame_end + 1, step)), step)

    def render(self, frames: list[int], step: int) -> None:
        """Render frames that follow each other in one go: much is prepared only once then."""
        if not self.bpy.data.filepath:
            raise Wrong(f"no blend loaded. cannot use '{self.option}'.")
        scene = self.scene
        before = scene.frame_start, scene.frame_end, scene.frame_step
        try:
            for run in in_runs([frame for frame in frames if not self.skips(frame)], step):
                scene.frame_start, scene.frame_end, scene.frame_step = run[0], run[-1], step
                if self.bpy.ops.render.render(animation=True, scene=scene.name) != {"FINISHED"}:
                    raise Wrong("the render was cancelled")
        except RuntimeError:
            raise SystemExit(1) from None  # Blender has printed why
        finally:
            scene.frame_start, scene.frame_end, scene.frame_step = before

    def skips(self, frame: int) -> bool:
        """Whether the frame is there and shall be kept. Blender 5 would do this without a word."""
        render = self.scene.render
        if render.use_overwrite or render.is_movie_format or render.use_multiview:
            return False
        path = Path(self.bpy.path.abspath(render.frame_path(frame=frame)))
        if path.exists():
            say(f'skipping existing frame "{path}"')
        return path.exists()


def in_runs(frames: list[int], step: int) -> list[list[int]]:
    """`frames` cut wherever two neighbours are not `step` apart."""
    runs = [frames[:1]] if frames else []
    for before, frame in pairwise(frames):
        if frame - before == step:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs


def speak_like_blender(bpy: types.ModuleType) -> None:
    """Since 5.0 the package keeps to itself how far it is and how long a frame took."""
    if bpy.app.version < (5, 0, 0):
        return
    last_said = 0.0

    @bpy.app.handlers.persistent
    def on_statistics(text: object, *_rest: object) -> None:
        nonlocal last_said
        if not isinstance(text, str):
            return
        if text.startswith("Time: "):
            say(f" {text}")
        elif time.monotonic() - last_said >= _STATISTICS_EVERY_S:
            last_said = time.monotonic()
            say(f"Fra:{bpy.context.scene.frame_current} {text}")

    bpy.app.handlers.render_stats.append(on_statistics)


def main(words: list[str]) -> int:
    """Obey the command line; return the exit status."""
    command_line = CommandLine(words[: words.index("--")] if "--" in words else words)
    app = command_line.bpy.app
    if words[:1] in (["--version"], ["-v"]):
        say(f"Blender {app.version_string}", f"\tbuild hash: {app.build_hash.decode()}")
        return 0
    say(f"Blender {app.version_string} (hash {app.build_hash.decode()})")
    if "--factory-startup" not in words:
        command_line.bpy.ops.wm.read_userpref()  # which graphics card to use, for one
    speak_like_blender(command_line.bpy)
    try:
        command_line.run()
    except Wrong as wrong:
        say(f"Error: {wrong}")
        return 1
    say("", "Blender quit")
    return 0


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender's own threads and memory make an orderly end of Python slow and sometimes fatal.
    os._exit(status)
