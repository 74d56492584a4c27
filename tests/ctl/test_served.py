#!/usr/bin/env python3
"""Against a bus that others use too: who drives, what is denied, what is masked, how it ends."""
import json
import os
import signal
import subprocess

from tool import LIMIT, PROGRAM, Case, Served, end, environment, main, objects


def line_of(process):
    """The first line of a process that goes on."""
    return process.stdout.readline().decode()


class Leases(Case):
    def test_held_by_another(self):
        with Served() as bus:
            first = bus.start("lease", "acquire", "build-7", "input", "--reason", "a demo")
            self.assertEqual(line_of(first), "build-7: input lease, serial 1\n")
            result = bus.run("input", "key", "build-7", "a")
            self.ends(result, 4, "", "build-7: the input lease is held by control 0.")
            self.assertRegex(result.err, r" held by control 0\.\d+ \(rank 0\) for [\d.]+m?s(in)?: "
                                         r"a demo\n")
            self.assertIn("--wait stands in line; who has `admin` can end it: "
                          "`vmsigctl lease release build-7 input`\n", result.err)
            status = bus.run("lease", "status", "build-7", "input")
            self.assertRegex(status.out, r"^input +held by control 0\.\d+ \(rank 0\) for [\d.]+m?s"
                                         r"(in)?: a demo\n$")
            (o,) = objects(bus.run("lease", "status", "build-7", "input", "--json"))
            self.assertEqual((o["reason"], o["serial"], o["waiters"]), ("a demo", 1, 0))
            self.assertIn("input", bus.run("list").out)
            self.ends(end(first, signal.SIGINT), 0, "")
            self.ends(bus.run("lease", "status", "build-7", "input"), 0, "input     free\n")

    def test_a_reason_is_escaped_once(self):
        with Served() as bus:
            first = bus.start("lease", "acquire", "build-7", "input", "--reason", "a\n\x1b[2J")
            line_of(first)
            for words in (("input", "key", "build-7", "a"), ("lease", "status", "build-7"),
                          ("info", "build-7")):
                result = bus.run(*words)
                self.assertIn(r": a\n\x1b[2J", result.out + result.err, words)
                self.assertNotIn("\x1b", result.out + result.err, words)
            end(first, signal.SIGINT)

    def test_held_by_one_that_may_not_be_seen(self):
        with Served(rights="input") as bus:
            first = bus.start("lease", "acquire", "build-7", "input", "--reason", "a demo")
            line_of(first)
            result = bus.run("input", "key", "build-7", "a")
            self.ends(result, 4, "", "build-7: the input lease is held\n")
            self.assertNotIn("a demo", result.err)
            end(first, signal.SIGINT)

    def test_in_line(self):
        with Served() as bus:
            first = bus.start("lease", "acquire", "build-7", "input")
            line_of(first)
            late = bus.run("input", "key", "build-7", "a", "--wait-for", "50ms")
            self.ends(late, 124, "", "somebody else kept it")
            waits = bus.start("input", "key", "build-7", "a", "--wait")
            waiting = 0
            while waiting == 0:
                (o,) = objects(bus.run("lease", "status", "build-7", "input", "--json"))
                waiting = o["waiters"]
            self.ends(end(first, signal.SIGTERM), 0)
            self.ends(end(waits), 0, "build-7: 1 key pressed\n")

    def test_ended_by_an_operator(self):
        with Served() as bus:
            first = bus.start("lease", "acquire", "build-7", "power")
            line_of(first)
            self.ends(bus.run("lease", "release", "build-7", "power"), 0,
                      "build-7: the power lease is free now\n")
            self.ends(end(first), 4, "", "the power lease was lost: forced")

    def test_of_a_command(self):
        with Served() as bus:
            shell = f"{PROGRAM} --uri {bus.uri} --timeout 60s lease status build-7 input --json"
            result = bus.run("lease", "acquire", "build-7", "input", "--", "sh", "-c", shell)
            self.ends(result, 0)
            self.assertEqual(objects(result)[0]["reason"], "vmsigctl")
            self.ends(bus.run("lease", "status", "build-7", "input"), 0, "input     free\n")

    def test_of_a_command_is_not_the_command_s(self):
        # Each vmsigctl is another control; only on the stub, where each has a bus, none is told.
        press = f"{PROGRAM} --timeout 60s input key build-7 a --hold 1ms"
        with Served() as bus:
            result = bus.run("lease", "acquire", "build-7", "input", "--", "sh", "-c",
                             f"{press} --uri {bus.uri}")
            self.ends(result, 4, "", "build-7: the input lease is held by control 0.")
            shell = f"{PROGRAM} --timeout 60s --uri {bus.uri} mem read build-7 0 1 --json"
            copies = bus.run("lease", "acquire", "build-7", "input", "--", "sh", "-c", shell)
            self.assertEqual(objects(copies)[0]["length"], 1)
            self.ends(bus.run("lease", "acquire", "build-7", "input", "--", "sh", "-c",
                              f"{press} --uri stub:///default"), 0, "build-7: 1 key pressed\n")

    def test_lost_under_a_command(self):
        with Served() as bus:
            first = bus.start("lease", "acquire", "build-7", "input", "--", "sh", "-c",
                              "echo runs; exec sleep 600")
            self.assertEqual(line_of(first), "runs\n")
            self.ends(bus.run("lease", "release", "build-7", "input"), 0)
            self.ends(end(first), 4, "", "the input lease was lost: forced")

    def test_a_signal_reaches_the_command(self):
        with Served() as bus:
            first = bus.start("lease", "acquire", "build-7", "input", "--", "sh", "-c",
                              "echo runs; exec sleep 600")
            self.assertEqual(line_of(first), "runs\n")
            self.ends(end(first, signal.SIGTERM), 128 + signal.SIGTERM, "")
            self.ends(bus.run("lease", "status", "build-7", "input"), 0, "input     free\n")

    def test_preempted_by_a_higher_rank(self):
        with Served(ranks=(0, 5)) as bus:
            first = bus.start("lease", "acquire", "build-7", "input")
            line_of(first)
            self.ends(bus.run("input", "key", "build-7", "a"), 0)
            self.ends(end(first), 4, "", "the input lease was lost: preempted")

    def test_renewed_while_it_lives(self):
        with Served() as bus:
            first = bus.start("lease", "acquire", "build-7", "input", "--ttl", "4s")
            line_of(first)
            (before,) = objects(bus.run("lease", "status", "build-7", "input", "--json"))
            after = before
            while after["expires_ns"] < before["expires_ns"] + 2_000_000_000:
                (after,) = objects(bus.run("lease", "status", "build-7", "input", "--json"))
                self.assertEqual(after["serial"], 1)
            self.ends(end(first, signal.SIGINT), 0)

    def test_killed(self):
        with Served() as bus:
            first = bus.start("lease", "acquire", "build-7", "input")
            line_of(first)
            end(first, signal.SIGKILL)
            self.ends(bus.run("input", "key", "build-7", "a", "--wait"), 0)


class Watch:
    """A monitor that has been told of the past of build-7, and is told the news."""

    def __init__(self, bus, *words, kinds=()):
        chosen = [word for kind in kinds for word in ("--kind", kind)]
        chosen += ["--kind", "replay_end"] if kinds else []
        self.process = bus.start("monitor", "build-7", "--no-time", *words, *chosen)
        while "replay_end" not in self.line():
            pass

    def line(self):
        return line_of(self.process)

    def stop(self):
        return end(self.process, signal.SIGTERM)


class Watching(Case):
    def test_what_others_do(self):
        with Served() as bus:
            watch = Watch(bus, "--source", "lifecycle")
            self.ends(bus.run("power", "pause", "build-7"), 0)
            self.ends(bus.run("power", "reset", "build-7"), 0)
            lines = [watch.line().rstrip().rsplit("  by=", 1)[0] for _ in range(3)]
            watch.stop()
            self.assertEqual(lines, ["build-7  lifecycle  state=paused what=paused cause=host",
                                     "build-7  epoch_changed  what=reset cause=host",
                                     "build-7  lifecycle  state=paused what=reset cause=host"])

    def test_bytes_are_masked(self):
        # The doorbell of the stub carries its count: a kind of the host's own.
        with Served() as bus:
            masked = Watch(bus, "--json", kinds=["doorbell"])
            shown = Watch(bus, "--json", "--show", "bytes", kinds=["doorbell"])
            self.ends(bus.run("input", "key", "build-7", "a"), 0)
            one, other = json.loads(masked.line()), json.loads(shown.line())
            masked.stop()
            shown.stop()
            self.assertEqual(one["inline_bytes"], 8)
            self.assertNotIn("inline", one)
            self.assertEqual(len(other["inline"]), 16)

    def test_bytes_stay_masked_without_the_right(self):
        with Served(rights="observe,input,memctx") as bus:
            watch = Watch(bus, "--json", "--show", "bytes", kinds=["doorbell"])
            self.ends(bus.run("input", "key", "build-7", "a"), 0)
            self.assertNotIn("inline", set(json.loads(watch.line())) - {"inline_bytes"})
            self.assertIn("bytes stay masked: no right to them", watch.stop().err)

    def test_what_a_guest_prints_can_not_move_the_cursor(self):
        with Served() as bus:
            watch = Watch(bus, kinds=["console_output"])
            self.ends(bus.run("input", "key", "build-7", "a"), 0)
            self.assertRegex(watch.line(), r'^build-7  console_output  text="key 1e\\n.*"\n$')
            watch.stop()

    def test_text_arrives_as_keys(self):
        with Served() as bus:
            watch = Watch(bus, "--json", kinds=["console_output"])
            self.ends(bus.run("input", "type", "build-7", "aB"), 0)
            text = ""
            while text.count("\\n") < 6:
                text += json.loads(watch.line()).get("text", "")
            watch.stop()
            self.assertEqual(text, "key 1e\\nkey 9e\\nkey 2a\\nkey 30\\nkey b0\\nkey aa\\n")

    def test_a_kind_of_which_nothing_comes(self):
        with Served() as bus:
            watch = Watch(bus, kinds=["bogus", "doorbell", "endpoint_removed"])
            self.ends(bus.run("input", "key", "build-7", "a", "--hold", "1ms"), 0)
            self.assertIn("doorbell", watch.line())
            self.assertIn("vmsigctl: no event of a kind `bogus` so far",
                          watch.process.stderr.readline().decode())
            self.assertNotIn("endpoint_removed", watch.stop().err)
            told = bus.run("monitor", "--kind", "nonsense", "--for", "10ms")
            self.assertEqual((told.code, told.out), (0, ""))
            self.assertIn("no event of a kind `nonsense` so far", told.err)

    def test_a_machine_that_one_may_not_see_any_more_has_its_name_still(self):
        with Served() as bus:
            watch = Watch(bus, kinds=["grant_changed"])
            bus.revoke()
            self.assertEqual(watch.line(), "build-7  grant_changed  rights=none\n")
            watch.stop()

    def test_a_reader_that_leaves(self):
        with Served() as bus:
            watch = Watch(bus, "--json").process
            watch.stdout.close()
            watch.stderr.close()
            self.assertIn(watch.wait(timeout=LIMIT), (0, 1, -signal.SIGPIPE))

    def test_interrupted(self):
        with Served() as bus:
            watch = Watch(bus)
            self.assertEqual(end(watch.process, signal.SIGINT).code, -signal.SIGINT)


class Rights(Case):
    def test_denied(self):
        with Served(rights="observe") as bus:
            for words in ("input key build-7 a", "power reset build-7", "mem read build-7 0",
                          "mem write build-7 0 00", "memctx build-7", "audit build-7",
                          "stats build-7", "lease acquire build-7 input",
                          "lease release build-7 input", "may build-7 reset"):
                result = bus.run(*words.split())
                self.assertEqual(result.code, 3, (words, result))
                self.assertIn("vmsigctl: build-7: ", result.err if "may" not in words else
                              "vmsigctl: build-7: ")
                self.assertNotIn("ENDPOINT", result.err, words)
            self.ends(bus.run("input", "key", "build-7", "a"), 3, "",
                      "`vmsigctl may build-7` what you may do; the host's grants decide\n")
            self.ends(bus.run("mem", "read", "build-7", "0"), 3, "",
                      "build-7: 0x0: denied: no right `memread`\n"
                      "  `vmsigctl may build-7` shows what you may do")
            self.ends(bus.run("may", "build-7", "status"), 0, "yes\n")
            self.ends(bus.run("power", "status", "db-1"), 0, "db-1: powered_off\n")

    def test_absent_is_denied(self):
        with Served() as bus:
            one = bus.run("input", "key", "nobody", "a")
            self.ends(one, 3, "", "nobody: denied: no right, or no such endpoint")

    def test_nothing_to_see(self):
        with Served(rights="") as bus:
            self.ends(bus.run("list", "--names"), 0, "")
            self.ends(bus.run("info", "build-7"), 3)

    def test_without_observe(self):
        with Served(rights="input") as bus:
            self.assertIn("not to be seen", bus.run("info", "build-7").out)
            self.ends(bus.run("input", "key", "build-7", "a"), 0)


class Machines(Case):
    def test_a_machine_from_off_to_on(self):
        with Served() as bus:
            self.assertRegex(bus.run("list").out, r"(?m)^db-1 +\d+ +- +- +powered_off$")
            off = ("vmsigctl: db-1: {}: it is powered off ({})\n"
                   "  `vmsigctl power start db-1` starts it")
            self.ends(bus.run("mem", "read", "db-1", "0"), 1, "", off.format("0x0", "not_ready"))
            self.ends(bus.run("memctx", "db-1"), 1, "", off.format("its memory", "not_ready"))
            self.ends(bus.run("input", "type", "db-1", "a"), 1, "",
                      off.format("character 1 of 1", "unavailable"))
            self.ends(bus.run("power", "pause", "db-1", "--json"), 1, "",
                      off.format("pause", "refused_by_vm"))
            self.ends(bus.run("power", "power-off", "db-1"), 1, "",
                      "db-1: power-off: it is powered off already (refused_by_vm); its epoch")
            self.ends(bus.run("power", "start", "db-1"), 0, "db-1: start done, running\n")
            self.ends(bus.run("mem", "read", "db-1", "0", "1"), 0)
            self.ends(bus.run("power", "snapshot-restore", "db-1"), 1, "",
                      "db-1: snapshot-restore: there is no snapshot to restore (unavailable); "
                      "its epoch has risen to 4 all the same\n"
                      "  `vmsigctl power snapshot-save db-1` makes one")
            self.ends(bus.run("power", "snapshot-save", "db-1"), 0)
            (before,) = objects(bus.run("info", "db-1", "--json"))
            self.ends(bus.run("power", "snapshot-restore", "db-1"), 0)
            (after,) = objects(bus.run("info", "db-1", "--json"))
            self.assertEqual(after["epoch"], before["epoch"] + 1)

    def test_what_destroys_raises_the_epoch_also_where_it_fails(self):
        with Served() as bus:
            def epoch():
                return objects(bus.run("info", "db-1", "--json"))[0]["epoch"]
            before = epoch()
            self.ends(bus.run("power", "power-off", "db-1"), 1, "",
                      f"(refused_by_vm); its epoch has risen to {before + 1} all the same\n")
            self.assertEqual(epoch(), before + 1)
            self.assertNotIn("epoch", bus.run("power", "pause", "db-1").err)
            self.assertEqual(epoch(), before + 1)

    def test_what_was_written_is_read(self):
        with Served() as bus:
            self.ends(bus.run("mem", "write", "build-7", "0xff000", "00112233445566778899"), 0)
            for way in ("bus", "memctx"):
                (o,) = objects(bus.run("mem", "read", "build-7", "0xff000", "10", "--json", "--via",
                                       way))
                self.assertEqual(o["bytes"], "00112233445566778899")
            self.ends(bus.run("mem", "write", "build-7", "0xff000", "ff", "--compare", "01"), 1)
            self.ends(bus.run("mem", "write", "build-7", "0xff000", "ff", "--compare", "00"), 0)


class Output(Case):
    def test_that_can_not_be_written(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "--uri", "stub:///default", "list"], stdout=full,
                                  stderr=subprocess.PIPE, env=environment(), timeout=LIMIT,
                                  check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the output could not be written: No space left", done.stderr)

    def test_that_nobody_reads(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([PROGRAM, "--uri", "stub:///default", "list"], stdout=writer,
                              stderr=subprocess.PIPE, env=environment(), timeout=LIMIT, check=False)
        os.close(writer)
        self.assertIn(done.returncode, (1, -signal.SIGPIPE))
        self.assertEqual(done.stderr, b"")

    def test_a_host_that_dies(self):
        with Served() as bus:
            watch = bus.start("monitor", "--json")
            json.loads(line_of(watch))
            bus.process.kill()
            self.assertEqual(end(watch).code, 1)


if __name__ == "__main__":
    main()
