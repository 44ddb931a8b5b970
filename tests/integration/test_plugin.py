"""What `eqspec init` writes works: the spec is legal, and the plugin is found once installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eqspec.cli.main import main
from eqspec.commands.init import init
from eqspec.errors import UsageError
from eqspec.ops.find import FAMILIES, find_op, find_term, op_names, op_sha256, plugin_of
from eqspec.spec.dump import write_yaml
from tests.toy_specs import PATH, load_toy, plan_of

UNCOMPILED = 'machine: {compile: "off"}'
CHECK = "import sys; from eqspec.cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def scaffold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's folder; what pip makes of it lies in `installed` beside it."""
    folder = tmp_path_factory.mktemp("plugin") / "package"
    assert main(["init", str(folder), "--plugin", "my-transforms"]) == 0
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target")
    command = [sys.executable, "-m", "pip", "install", *options]
    target = str(folder.parent / "installed")
    done = subprocess.run(
        [*command, target, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_a_new_folder_holds_a_legal_spec_and_is_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["init", str(tmp_path / "first")]) == 0
    spec = tmp_path / "first" / "first.yaml"
    assert capsys.readouterr().err == f"next: eqspec check {spec}\n"
    assert main(["check", str(spec)]) == 0
    assert capsys.readouterr().err == f"next: eqspec plan {spec}\n"
    spec.write_text("mine")
    assert main(["init", str(tmp_path / "first")]) == 2
    assert spec.read_text() == "mine"


def test_an_installed_plugin_is_used_and_stands_in_the_plan(
    scaffold: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    example = str(scaffold / "example.yaml")
    assert main(["check", example]) == 2
    assert "no op `posterise`" in capsys.readouterr().err
    monkeypatch.syspath_prepend(scaffold.parent / "installed")
    assert main(["plan", example, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    brought = {"name": "my-transforms", "version": "0.1.0", "ops": ["transforms/posterise"]}
    assert f'"{brought["name"]}"' in json.dumps(data)
    assert brought in _found(data, "plugins")
    assert "posterise" in op_names("transforms")
    assert plugin_of("transforms", "rot") is None


def test_a_plugin_cannot_take_a_name_that_eqspec_has(
    scaffold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _declared(tmp_path, "transforms.rot = my_transforms.posterise")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="which already exists in eqspec"):
        op_names("transforms")
    assert op_names("terms")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("transform.rot = x", "families:"),
        ("transforms.Rot = x", "families:"),
    ],
)
def test_a_misnamed_entry_point_is_explained(
    line: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _declared(tmp_path, line)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError) as caught:
        op_names("terms")
    assert words in str(caught.value.help)


@pytest.mark.parametrize(
    ("module", "text", "words"),
    [
        ("brought_empty", "", "`rev` is missing"),
        ("brought_broken", "1/0", "cannot be imported"),
    ],
)
def test_a_plugin_that_is_no_op_is_explained(
    module: str, text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / f"{module}.py").write_text(text)
    _declared(tmp_path, f"terms.mine = {module}")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=words):
        find_term("mine")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_plugin_may_bring_an_op_of_every_family(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = _bring_copies(tmp_path, families=(family,))
    monkeypatch.syspath_prepend(tmp_path)
    for name in brought:
        assert find_op(family, f"my_{name}").rev == find_op(family, name).rev
        assert op_sha256(family, f"my_{name}") == op_sha256(family, name)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("mae", {"extra": UNCOMPILED}),
        (
            "vicreg",
            {
                "equivariance": PATH,
                "extra": f"evaluate: [{{use: effective-rank, at: end}}]\n{UNCOMPILED}",
            },
        ),
    ],
)
def test_a_spec_of_nothing_but_brought_ops_is_run(
    method: str,
    options: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Cards, schedules, masks, data and all: whatever a spec names with `impl:`."""
    _bring_copies(tmp_path, families=FAMILIES)
    monkeypatch.syspath_prepend(tmp_path)
    text = write_yaml(plan_of(load_toy(method, **options)).resolved)
    spec = tmp_path / "brought.yaml"
    spec.write_text(re.sub(r"\bimpl: (\w+)", r"impl: my_\1", text))
    assert main(["run", str(spec), "--runs", str(tmp_path / "runs")]) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert main(["plan", str(spec), "--no-trace", "--json"]) == 0
    (brought,) = _found(json.loads(capsys.readouterr().out), "plugins")
    assert isinstance(brought, dict)
    assert "schedules/my_warmup_cosine" in brought["ops"]


def _bring_copies(folder: Path, *, families: tuple[str, ...]) -> list[str]:
    """An installed distribution with a copy of every op of some families, as `my_<name>`."""
    lines, names = [], []
    for family in families:
        for name in op_names(family):
            module = f"brought_{family}_{name}"
            (folder / f"{module}.py").write_bytes(find_op(family, name).file.read_bytes())
            lines.append(f"{family}.my_{name} = {module}")
            names.append(name)
    _declared(folder, "\n".join(lines))
    return names


def _declared(folder: Path, line: str) -> None:
    """An installed distribution with one entry point."""
    info = folder / "brought-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[eqspec.ops]\n{line}\n")


def _found(data: object, key: str) -> list[object]:
    """What stands below a key, anywhere."""
    if isinstance(data, list):
        return [inner for item in data for inner in _found(item, key)]
    if not isinstance(data, dict):
        return []
    own = data.get(key, [])
    return [*own, *(inner for value in data.values() for inner in _found(value, key))]


@pytest.mark.parametrize("name", ["class", "eqspec", "1abc", "../x", ""])
def test_a_package_that_python_could_not_import_is_not_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not a valid package name"):
        init(tmp_path / "new", plugin=name)
    assert not (tmp_path / "new").exists()
