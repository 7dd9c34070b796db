"""Makes the scenes of examples/quickstart.sh: run it inside Blender.

    blender --background --factory-startup --python quickstart_scenes.py -- FOLDER

cube.blend  a turning cube, nothing else
room.blend  a room that links its furniture from lib/props.blend; both use textures/checker.png
"""
import os
import struct
import sys
import zlib

import bpy

FOLDER = os.path.abspath(sys.argv[sys.argv.index("--") + 1])


def place(*parts):
    path = os.path.join(FOLDER, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def write_checker(path, size=64, field=8):
    """An RGB checkerboard as PNG, without needing any image library."""
    rows = b"".join(
        b"\0" + b"".join(bytes((230, 230, 230) if (x // field + y // field) % 2 else (40, 70, 160)) for x in range(size))
        for y in range(size)
    )

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def new_scene(name):
    """An empty file with one scene that renders five small frames quickly, on any processor."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.name = name
    scene.frame_start, scene.frame_end = 1, 5
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = 160, 90
    scene.render.image_settings.file_format = "PNG"
    scene.cycles.device, scene.cycles.samples = "CPU", 8
    # Not every Blender has a denoiser built in, and without one such a scene does not render at all.
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (5.2, -4.9, 3.5), (1.109, 0, 0.815)
    scene.collection.objects.link(camera)
    scene.camera = camera
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.rotation_euler, sun.data.energy = (0.6, 0.3, 0.2), 3
    scene.collection.objects.link(sun)
    return scene


def cube(name):
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], sides)
    return bpy.data.objects.new(name, mesh)


def coloured(name, colour):
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = colour
    return material


def textured(name, image):
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    picture, coordinates = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeTexCoord")
    picture.image = bpy.data.images.load(image)
    picture.projection = "BOX"  # from every side, not as stripes down the walls
    links.new(coordinates.outputs["Generated"], picture.inputs["Vector"])
    links.new(picture.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    return material


def save(path):
    bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=True, relative_remap=True)
    bpy.ops.file.make_paths_relative()
    bpy.ops.wm.save_mainfile(compress=True)


def make_cube():
    scene = new_scene("Cube")
    thing = cube("Cube")
    thing.data.materials.append(coloured("Red", (0.8, 0.1, 0.05, 1)))
    scene.collection.objects.link(thing)
    for frame, angle in ((1, 0.0), (5, 1.2)):
        thing.rotation_euler = (0, 0, angle)
        thing.keyframe_insert("rotation_euler", frame=frame)
    save(place("cube.blend"))


def make_props(checker):
    scene = new_scene("Props")
    prop = cube("Table")
    prop.data.materials.append(textured("Checker", checker))
    furniture = bpy.data.collections.new("Furniture")
    furniture.objects.link(prop)
    scene.collection.children.link(furniture)
    save(place("lib", "props.blend"))


def make_room(checker):
    scene = new_scene("Room")
    save(place("room.blend"))  # so that '//' has a meaning for the link below
    with bpy.data.libraries.load(place("lib", "props.blend"), link=True, relative=True) as (_, wanted):
        wanted.collections = ["Furniture"]
    furniture = bpy.data.objects.new("Furniture", None)
    furniture.instance_type, furniture.instance_collection = "COLLECTION", wanted.collections[0]
    scene.collection.objects.link(furniture)
    for frame, angle in ((1, 0.0), (5, 0.8)):
        furniture.rotation_euler = (0, 0, angle)
        furniture.keyframe_insert("rotation_euler", frame=frame)
    floor = cube("Floor")
    floor.scale, floor.location = (4, 4, 0.1), (0, 0, -1.2)
    floor.data.materials.append(textured("FloorChecker", checker))
    scene.collection.objects.link(floor)
    save(place("room.blend"))


def main():
    checker = place("textures", "checker.png")
    write_checker(checker)
    make_cube()
    make_props(checker)
    make_room(checker)


main()
