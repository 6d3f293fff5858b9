"""The emulator's C, compiled for the interpreter that runs, is found before the package's own."""

from __future__ import annotations

import shlex
import shutil
import sysconfig
from importlib.util import module_from_spec
from pathlib import Path

import pytest

from bmsrescue.errors import HostError
from bmsrescue.twin.rp2040.compile_emulator import compile_modules
from bmsrescue.twin.rp2040.compiled import SUFFIX, CompiledFinder

SOURCE = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_answer", NULL, -1, NULL};
PyMODINIT_FUNC PyInit__answer(void) {
    PyObject *made = PyModule_Create(&module);
    PyModule_AddIntConstant(made, "answer", 42);
    return made;
}
"""
HEADER = Path(sysconfig.get_paths()["include"]) / "Python.h"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    if not shutil.which(shlex.split(sysconfig.get_config_var("CC") or "cc")[0]) or not HEADER.is_file():
        pytest.skip("no C compiler with Python's headers")
    file = tmp_path / "_answer.c"
    file.write_text(SOURCE)
    return file


def test_what_was_compiled_is_loaded(source: Path, tmp_path: Path) -> None:
    place = tmp_path / "made"
    compile_modules([source], place)
    finder = CompiledFinder(place, "emulator.native.")
    spec = finder.find_spec("emulator.native._answer")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.answer == 42
    assert [file.name for file in place.iterdir()] == [f"_answer{SUFFIX}"]


def test_what_another_process_has_made_meanwhile_stays(source: Path, tmp_path: Path) -> None:
    place = tmp_path / "made"
    compile_modules([source], place)
    first = (place / f"_answer{SUFFIX}").stat()
    compile_modules([source], place)
    assert (place / f"_answer{SUFFIX}").stat().st_ino == first.st_ino
    assert sorted(file.name for file in tmp_path.iterdir()) == ["_answer.c", "made"]


def test_a_source_that_does_not_compile_leaves_nothing_that_could_be_loaded(source: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.c"
    broken.write_text("this is no C")
    with pytest.raises(HostError):
        compile_modules([source, broken], tmp_path / "made")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["_answer.c", "broken.c"]


def test_other_modules_are_left_to_python(tmp_path: Path) -> None:
    finder = CompiledFinder(tmp_path, "emulator.native.")
    assert finder.find_spec("emulator.native._answer") is None
    assert finder.find_spec("json") is None
