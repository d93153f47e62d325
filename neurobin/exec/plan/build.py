"""From a graph to kernels: every step's module and slots, the tensors between them, and when each of those is alive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels import ChannelTotal, Lane, LargestChannel, Linear, Moves, Pool
from neurobin.exec.kernels.byte_product import byte_product, in_place
from neurobin.exec.kernels.driver import linear_kernel, reach
from neurobin.exec.kernels.elementwise import elementwise_kernel
from neurobin.exec.kernels.layout import LANES, Form, Layout, aligned, bits, dense, extent, narrowest
from neurobin.exec.kernels.linear import Product
from neurobin.exec.kernels.means import MEANS, Means, product
from neurobin.exec.kernels.micro import BLOCK_ROWS
from neurobin.exec.kernels.move import Runs, move_kernel, origins, runs
from neurobin.exec.kernels.pool import pool_kernel
from neurobin.exec.kernels.prepare import BORDER_STEP, Bordered, border_kernel, fill_kernel, pack_kernel, prepare_kernel
from neurobin.exec.kernels.reduce import CHANNEL_SUM, LARGEST_CHANNEL, Reduction, reduction_kernel
from neurobin.exec.kernels.region import Region
from neurobin.exec.kernels.slots import Slots
from neurobin.exec.plan.layouts import choose, is_flat, pad_value
from neurobin.exec.plan.program import Program
from neurobin.exec.plan.steps import Step, requests, split
from neurobin.ir import Graph, Node


def build(graph: Graph, backend: str, keep: frozenset[str] = frozenset()) -> Program:
    """The program of a deployed graph on a back end, with the tensors `keep` in memory to the end of their step."""
    means = MEANS[backend]
    program = Program(graph)
    wanted = {*graph.outputs, *keep}
    needed = graph.with_nodes(_needed(graph, wanted))
    steps = split(needed, requests(needed), frozenset({Linear}))
    readers = {name: [s for s in steps if name in s.reads] for name in graph.types}
    _place_input(program, readers, means)
    for step in steps:
        _Builder(program, step, means, readers, wanted).run()
    return program


def _needed(graph: Graph, wanted: set[str]) -> list[Node]:
    """The nodes that some wanted tensor depends on."""
    alive, kept = set(wanted), []
    for node in reversed(graph.nodes):
        if node.name in alive:
            alive |= set(node.inputs)
            kept.append(node)
    return kept[::-1]


def _place_input(program: Program, readers: Mapping[str, list[Step]], means: Means) -> None:
    """The input as its first layer reads it, or without gaps where it has only a few channels."""
    graph = program.graph
    name, kind = graph.input, graph.types[graph.input]
    thin = kind.channels < LANES and len(kind.shape) > 1
    layout = dense(kind) if thin else choose(graph, name, readers, means, set(), may_pack=False)
    program.place(name, layout)
    program.touched[name] = []
    program.input_padding = pad_value(readers[name], name)


class _Builder:
    """Adds one step to a program."""

    def __init__(
        self, program: Program, step: Step, means: Means, readers: Mapping[str, list[Step]], wanted: set[str]
    ) -> None:
        self.program, self.step, self.means, self.readers = program, step, means, readers
        self.types = program.graph.types
        self.wanted = wanted
        self.kept = [n.name for n in step.nodes if n.name in wanted or readers[n.name]]

    def run(self) -> None:
        root = self.step.root
        if root is None:
            self._elementwise()
            return
        make: dict[type, Callable[[Node], None]] = {
            Linear: self._linear,
            Pool: self._pool,
            Moves: self._moves,
            ChannelTotal: partial(self._reduction, CHANNEL_SUM),
            LargestChannel: partial(self._reduction, LARGEST_CHANNEL),
        }
        make.get(type(self.step.request), self._numpy)(root)

    def _results(self, like: Layout | None = None) -> None:
        """Layouts of what the step leaves in memory, and their borders; `like` is a map whose form the result keeps."""
        for name in self.kept:
            if self.flat:
                layout = dense(self.types[name])
            elif like is not None and like.form is Form.BITS:
                layout = bits(self.types[name])
            else:
                layout = choose(self.program.graph, name, self.readers, self.means, self.wanted, like is None)
            self.program.place(name, layout)
            if layout.origin:
                slots = Slots()
                edge = Bordered(
                    layout.image, layout.row, layout.origin, layout.border.columns * layout.pixel, layout.shape[0]
                )
                text = border_kernel(slots, name, edge, pad_value(self.readers[name], name))
                self.program.call(text, slots, name)

    def _region(self, shape: tuple[int, int, int], first: Callable[[Region], dict[str, Lane]]) -> tuple[str, Slots]:
        slots = Slots()
        layouts = self.program.layouts

        def program(region: Region) -> None:
            values = first(region)
            for node in self.step.body:
                for name in node.inputs:
                    if name not in values:
                        values[name] = region.read(self.program.home(name), _shaped(layouts[name], shape, self.flat))
                operands = [self.types[name] for name in node.inputs]
                lane = node.op.native(*operands).lanes(region, *(values[name] for name in node.inputs))
                kind = self.types[node.name].dtype
                values[node.name] = lane.within(kind.low, kind.high)
            for name in self.kept:
                region.write(name, _shaped(layouts[name], shape, self.flat), values[name])

        return Region(shape, slots).write_kernel(program), slots

    flat = False

    def _elementwise(self) -> None:
        self.flat = is_flat(self.program.graph, self.step, self.program.layouts)
        self._results()
        height, width, channels = extent(self.types[self.step.nodes[0].name].shape)
        shape = (1, 1, height * width * channels) if self.flat else (height, width, channels)
        slots = Slots()
        text = elementwise_kernel(slots, shape, self._region(shape, lambda region: {}))
        self.program.call(text, slots, *self.step.reads, *self.kept)

    def _linear(self, root: Node) -> None:
        source, layer = root.inputs[0], self.step.request
        layout, kind = self.program.layouts[source], self.types[root.name]
        low, high = kind.dtype.low, kind.dtype.high
        lying = in_place(layer, layout) if self.means.bytes.tiles and self._border_is(layer, source) else None
        made: Product | None
        try:
            made = (
                byte_product(lying, layout, self.means.bytes, low, high)
                if lying
                else product(layer, layout, self.means, low, high)
            )
        except UnsupportedError:
            made, lying = self._product_of_prepared(layer, layout, low, high) if lying else None, None
        if made is None:
            self._numpy(root)
            return
        frame = (lying or layer).frame
        operand = self.program.home(source) if lying else self._prepared(layer, source, layout, made)
        self._results()
        shape = extent(kind.shape)
        region = self._region(shape, lambda r: {root.name: r.sums(made.sums)})
        slots = Slots()
        text = linear_kernel(slots, operand, frame, made, layer.outputs, region, self._gapless(shape[:2]))
        self.program.reach = max(self.program.reach, reach(made))
        self.program.call(text, slots, operand, *self.step.reads, *self.kept)

    def _gapless(self, size: tuple[int, ...]) -> bool:
        """Whether all maps that the step's region reads and writes have rows of this size, one right behind the other, or
        are single pixels."""
        inside = {node.name for node in self.step.nodes}
        read = {name for node in self.step.body for name in node.inputs} - inside
        layouts = [self.program.layouts[name] for name in (*read, *self.kept)]
        return all(each.is_gapless and each.shape[:2] in (size, (1, 1)) for each in layouts)

    def _product_of_prepared(self, layer: Linear, layout: Layout, low: int, high: int) -> Product | None:
        try:
            return product(layer, layout, self.means, low, high)
        except UnsupportedError:
            return None

    def _border_is(self, layer: Linear, source: str) -> bool:
        """Whether the border that the map has, if any, holds what this layer pads with."""
        return not any(layer.frame.padding) or pad_value(self.readers[source], source) == layer.pad_value

    def _prepared(self, layer: Linear, source: str, layout: Layout, made: Product) -> str:
        """The name of the prepared map, which two calls write: the padding, then the pixels."""
        name = f"{self.step.nodes[0].name}:operand"
        operand, frame = made.operand, layer.frame
        border = frame.before[0] * operand.row + frame.before[1] * operand.pixel
        whole_blocks = BLOCK_ROWS * operand.image if operand.blocked else 0
        self.program.sizes[name] = (operand.image, border + whole_blocks)
        if any(frame.padding) or not frame.is_unit:
            slots = Slots()
            self.program.call(self._padding(slots, name, layer, made, border), slots, name)
        slots = Slots()
        copy = pack_kernel if operand.blocked else prepare_kernel
        text = copy(slots, self.program.home(source), layout, name, operand)
        self.program.call(text, slots, source, name)
        return name

    def _padding(self, slots: Slots, name: str, layer: Linear, made: Product, border: int) -> str:
        """The kernel that writes the padding of a prepared map: its border alone where that is simple, else all of it."""
        operand, frame, pattern = made.operand, layer.frame, made.pad
        columns = frame.before[1] * operand.pixel
        if frame.is_unit and operand.pixel % BORDER_STEP == 0 and (pattern == pattern[0]).all():
            edge = Bordered(operand.image, operand.row, border, columns, frame.size[0])
            return border_kernel(slots, name, edge, int(pattern[0]))
        return fill_kernel(slots, name, operand.image, border, pattern)

    def _pool(self, root: Node) -> None:
        source, home = root.inputs[0], self.program.home
        self._results(self.program.layouts[source])
        slots = Slots()
        pair = (root.name, self.program.layouts[root.name])
        text = pool_kernel(slots, self.step.request, (home(source), self.program.layouts[source]), pair)
        self.program.call(text, slots, source, root.name)

    def _reduction(self, reduction: Reduction, root: Node) -> None:
        source, layouts = root.inputs[0], self.program.layouts
        if layouts[source].form is Form.BITS:
            self._numpy(root)
            return
        self._results()
        slots, pair = Slots(), (root.name, layouts[root.name])
        text = reduction_kernel(slots, reduction, (self.program.home(source), layouts[source]), pair)
        self.program.call(text, slots, source, root.name)

    def _moves(self, root: Node) -> None:
        layouts = self.program.layouts
        found = origins(
            root.op.reference, [self.types[name].shape for name in root.inputs], extent(self.types[root.name].shape)
        )
        index = found.index
        if len(root.inputs) == 1 and self._aliased(root, index):
            return
        size = narrowest(self.types[root.name].dtype).numpy.itemsize
        if any(layouts[name].form is Form.BITS or layouts[name].form.numpy.itemsize != size for name in root.inputs):
            self._numpy(root)
            return
        self._results(layouts[root.inputs[0]])
        begin = 0
        for name in root.inputs:
            count = int(np.prod(layouts[name].shape))
            local = np.where((index >= begin) & (index < begin + count), index - begin, -1)
            begin += count
            self._move(root, runs(local, layouts[name], layouts[root.name]), (self.program.home(name), layouts[name]), name)
        if (index < 0).any():
            image = replace(dense(self.types[root.name]), image=0)
            places = np.where(index < 0, np.arange(index.size).reshape(index.shape), -1)
            constants = found.constants.astype(image.form.numpy)
            self._move(root, runs(places, image, layouts[root.name]), (constants, image))

    def _move(self, root: Node, moved: Runs, source: tuple[str | np.ndarray, Layout], *reads: str) -> None:
        slots = Slots()
        text = move_kernel(slots, moved, source, (root.name, self.program.layouts[root.name]))
        self.program.call(text, slots, *reads, root.name)

    def _aliased(self, root: Node, index: np.ndarray) -> bool:
        """A dense map in the same order is the same bytes under another name."""
        source, kind = root.inputs[0], self.types[root.name]
        layout = self.program.layouts[source]
        in_order = (
            index.size == layout.shape[0] * layout.shape[1] * layout.shape[2] and (np.diff(index.reshape(-1)) == 1).all()
        )
        if not (in_order and (layout.is_dense or layout.form is Form.BITS)) or source == self.program.graph.input:
            return False
        made = bits(kind) if layout.form is Form.BITS else dense(kind, layout.form)
        self.program.layouts[root.name] = replace(made, image=layout.image)
        self.program.alias[root.name] = source
        return True

    def _numpy(self, root: Node) -> None:
        for node in (root, *self.step.body):
            program = self.program
            program.place(node.name, aligned(self.types[node.name]))
            program.call("", Slots(), *node.inputs, node.name, node=node)


def _shaped(layout: Layout, shape: tuple[int, int, int], flat: bool) -> Layout:
    """A dense layout as one long vector where the step treats it so."""
    if not flat:
        return layout
    return replace(layout, shape=shape, pixel=layout.image, row=layout.image)
