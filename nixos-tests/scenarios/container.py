"""Both images load and run in podman, as nobody, with a root that cannot be written, and end in good order."""

# What CLIENT_DEPLOYMENT tells users to give a container.
FLAGS = "--read-only --tmpfs /tmp --network host"


def loaded(image: str) -> str:
    """Loads an image from the file in this variable, and returns its full name."""
    said = machine.succeed(f"podman load --quiet --input ${image}")
    return said.strip().rpartition("Loaded image: ")[2]


start_all()
machine.wait_for_unit("multi-user.target")

with subtest("Both images load, under their names"):
    origin_image, swarm_image = loaded("ORIGIN_IMAGE"), loaded("SWARM_IMAGE")
    assert "/ffmpeg-hls-swarm-test-origin:" in origin_image, origin_image
    assert "/ffmpeg-hls-swarm:" in swarm_image, swarm_image

with subtest("The origin starts, as nobody, and its own health check says so"):
    machine.succeed(f"podman run --detach --name origin {FLAGS} {origin_image}")
    # The first start encodes its clip.
    machine.wait_until_succeeds("podman healthcheck run origin", PATIENCE_S)
    # By number: whether there is a name for it depends on whose /etc/passwd is asked.
    user = machine.succeed("ps --no-headers -o uid --pid $(podman inspect --format '{{.State.Pid}}' origin)").strip()
    assert user == "65534", user

with subtest("The swarm plays it"):
    stream = "http://127.0.0.1:8080/stream.m3u8"
    said = machine.succeed(f"podman run --rm {FLAGS} {swarm_image} -check -metrics off {stream} 2>&1")
    machine.log(said)
    machine.succeed(f"podman run --detach --name load {FLAGS} --env HLSSWARM_CLIENTS=3 {swarm_image} {stream}")
    Metrics(machine, "http://127.0.0.1:9090").wait_until("hlsswarm_clients_playing == 3")

for name in ("load", "origin"):
    with subtest(f"{name} ends in good order when it is told to"):
        machine.succeed(f"podman stop --time 20 {name}")
        code = machine.succeed(f"podman inspect --format '{{{{.State.ExitCode}}}}' {name}").strip()
        assert code == "0", f"{code}: {machine.succeed(f'podman logs {name} 2>&1')}"
machine.fail("pgrep -x ffmpeg")
