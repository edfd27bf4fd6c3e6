"""URDF files whose meshes are missing or broken are refused in one sentence."""

from pathlib import Path

import pybullet_data
import pytest
import trimesh

from simgen.errors import AssetError
from simgen.scene import SceneSpec
from simgen.urdf import check_urdf
from simgen.world import World


def urdf(folder: Path, mesh: str, kind: str = "visual") -> Path:
    path = folder / "robots" / "arm.urdf"
    path.parent.mkdir(exist_ok=True)
    shape = f'<{kind}><geometry><mesh filename="{mesh}"/></geometry></{kind}>'
    path.write_text(f'<robot name="r"><link name="base">{shape}</link></robot>')
    return path


@pytest.mark.parametrize("kind", ["visual", "collision"])
@pytest.mark.parametrize("name", ["hand.obj", "package://arm/hand.stl"])
def test_a_missing_mesh_is_named_with_its_urdf(tmp_path, kind, name, capfd):
    path = urdf(tmp_path, name, kind)
    with World(SceneSpec(objects=()), tmp_path, visuals=False) as world:
        capfd.readouterr()
        with pytest.raises(AssetError) as caught:
            world.load_robot(path)
        assert not world.robots
    assert str(caught.value) == (
        f'robot "{path}": mesh "{name}": there is no such file beside the URDF file or in a folder above'
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("hand.obj", "f 1 2 9\n", "none"),  # ends PyBullet's process
        ("hand.dae", "<COLLADA></COLLADA>", "AttributeError"),  # so does this
        ("hand.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "IndexError"),
        ("hand.stl", "solid hand\n", "none"),
        ("hand.obj", "", "none"),
    ],
)
def test_a_broken_mesh_is_named_with_its_urdf(tmp_path, name, text, problem):
    path = urdf(tmp_path, name)
    (path.parent / name).write_text(text)
    with (
        World(SceneSpec(objects=()), tmp_path, visuals=False) as world,
        pytest.raises(AssetError, match=f'arm.urdf": mesh "{name}": expected a mesh with triangles, got {problem}'),
    ):
        world.load_robot(path)


def test_a_mesh_of_another_kind_and_a_file_that_is_no_xml(tmp_path):
    path = urdf(tmp_path, "hand.ply")
    (tmp_path / "hand.ply").write_text("ply")
    with pytest.raises(AssetError, match=r'mesh "hand.ply": expected a file of the kinds .obj, .stl, .dae'):
        check_urdf(path)
    path.write_text("<robot")
    with World(SceneSpec(objects=()), tmp_path, visuals=False) as world, pytest.raises(AssetError, match=r"arm.urdf"):
        world.load_robot(path)


@pytest.mark.parametrize("name", ["humanoid/humanoid.urdf", "differential/diff_ring.urdf"])
def test_a_urdf_that_is_no_xml_but_that_pybullet_reads_is_loaded(tmp_path, name):
    with World(SceneSpec(objects=()), tmp_path, visuals=False) as world:
        world.load_robot(Path(pybullet_data.getDataPath()) / name)
        assert len(world.robots) == 1


def test_entities_of_a_urdf_are_refused(tmp_path):
    path = urdf(tmp_path, "&x;")
    path.write_text('<!DOCTYPE robot [<!ENTITY x "hand.obj">]>\n' + path.read_text())
    with pytest.raises(AssetError, match="a document type or an entity of its own is refused"):
        check_urdf(path)


def test_meshes_beside_the_urdf_and_in_folders_above_are_found_as_pybullet_finds_them(tmp_path):
    (tmp_path / "meshes").mkdir()
    trimesh.creation.box((0.1, 0.1, 0.1)).export(tmp_path / "meshes" / "hand.obj")
    for name in ("../meshes/hand.obj", "package://meshes/hand.obj", "meshes/hand.obj"):
        with World(SceneSpec(objects=()), tmp_path, visuals=False) as world:
            world.load_robot(urdf(tmp_path, name))
            assert len(world.robots) == 1


def test_a_mesh_that_was_mended_is_read_again(tmp_path):
    path = urdf(tmp_path, "hand.obj")
    (path.parent / "hand.obj").write_text("")
    with pytest.raises(AssetError):
        check_urdf(path)
    trimesh.creation.box((0.1, 0.1, 0.1)).export(path.parent / "hand.obj")
    check_urdf(path)
