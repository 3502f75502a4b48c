"""pipeline_over_network: images per second that the loader makes over those that vgg11_bn trains on, in bf16, the fastest
training, or float32 where the CPU has no bf16. Above 1 the network never waits."""
from . import common

SECONDS = 2.0


def rows(setting):
    if not setting.wants("pipeline_over_network"):
        return
    loader = common.Side([setting.program("pipeline")])
    network = common.Side([setting.program("net"), "vgg11_bn", "serve"])
    loader.ask(f"load {SECONDS / 3}")
    precision = setting.precisions()[-1]
    network.ask(f"train {precision} {SECONDS / 3}")
    pairs = []
    for i in range(setting.pairs()):
        if i % 2:
            trains = network.ask(f"train {precision} {SECONDS}")["images_per_second"]
        loads = loader.ask(f"load {SECONDS}")["images_per_second"]
        if i % 2 == 0:
            trains = network.ask(f"train {precision} {SECONDS}")["images_per_second"]
        pairs.append((loads, trains))
    print(f"pipeline_over_network: the network trains in {precision}")
    yield common.make_row("pipeline_over_network", "images/s", pairs, [l / t for l, t in pairs], None,
                          loader.ask("check")["same"], precision=precision)
    loader.close()
    network.close()
