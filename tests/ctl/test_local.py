#!/usr/bin/env python3
"""Each verb on the bus of the program's own: what it prints, and how it exits."""
import json
import os
import re

from tool import Case, environment, main, objects, vmsigctl

INFO = """build-7
  state     running
  epoch     1
  memory    version 1
  leds      unknown
  input     free
  power     free
  memwrite  free
  may       input, start, pause, resume, reset, power-button, power-off, snapshot-save, \
snapshot-restore, status, mem-write, mem-read
"""
STATS = r"""epoch                 1
events                \d+
commands              0
lost events           0
dropped publications  0
"""


class Looking(Case):
    def test_list(self):
        self.ends(vmsigctl("list"), 0,
                  "NAME     EPOCH  MEMORY  HELD  STATE\n"
                  "build-7  1      v1      -     running\n"
                  "db-1     1      v1      -     running\n")

    def test_list_names(self):
        self.ends(vmsigctl("list", "--names"), 0, "build-7\ndb-1\n")

    def test_list_as_json(self):
        result = vmsigctl("list", "--json")
        self.ends(result, 0)
        self.assertEqual(objects(result)[0], {"name": "build-7", "state": "running", "epoch": 1,
                                              "memory": 1, "held": []})
        self.assertEqual([o["name"] for o in objects(result)], ["build-7", "db-1"])

    def test_info(self):
        self.ends(vmsigctl("info", "build-7"), 0, INFO)

    def test_info_as_json(self):
        (o,) = objects(vmsigctl("--json", "info", "build-7"))
        self.assertEqual(o["leases"]["power"], {"holder": None})
        self.assertIn("reset", o["may"])

    def test_info_of_nobody(self):
        self.ends(vmsigctl("info", "nobody"), 3, "", "nobody: denied: no right, or no such endp")

    def test_monitor_of_the_past(self):
        result = vmsigctl("monitor", "build-7", "--no-time", "--source", "lifecycle", "--count",
                          "3")
        self.ends(result, 0, "build-7  replay_begin\n"
                             "build-7  lifecycle  state=running what=started cause=host\n"
                             "build-7  replay_end\n")

    def test_monitor_as_json(self):
        result = vmsigctl("monitor", "--json", "--kind", "memctx_published", "--count", "2")
        for o in objects(result):
            self.assertEqual((o["version"], o["source"], o["replayed"]), (1, "memory", True))
            self.assertGreater(o["time_ns"], 0)

    def test_monitor_ends_in_time(self):
        # From the screen nothing ever comes, while a machine may still be booting.
        nothing = ("monitor", "--news", "--source", "screen")
        self.ends(vmsigctl(*nothing, "--for", "50ms"), 0, "")
        # The first --timeout is for a loaded machine; the last one counts.
        late = vmsigctl(*nothing, "--count", "1", short="2s")
        self.ends(late, 124, "", "not so many events within 2s")

    def test_monitor_of_what_is_not(self):
        self.ends(vmsigctl("monitor", "nobody"), 3, "", "denied")
        self.ends(vmsigctl("monitor", "--source", "smell"), 2, "",
                  "there is no source `smell`\n  one of lifecycle, memory, lease, command, input, "
                  "console, screen, or the number of one of the host's own, from 16 on; --kind")
        self.ends(vmsigctl("monitor", "--show", "all"), 2, "", "one of bytes, keys")

    def test_may(self):
        result = vmsigctl("may", "db-1")
        self.ends(result, 0)
        self.assertEqual(result.out.splitlines()[:2], ["VERB              MAY",
                                                       "input             yes"])
        self.ends(vmsigctl("may", "db-1", "reset"), 0, "yes\n")
        self.ends(vmsigctl("may", "db-1", "fly"), 2, "", "there is no verb `fly`")
        self.ends(vmsigctl("may", "nobody", "reset"), 3)

    def test_stats(self):
        self.matches(vmsigctl("stats", "build-7"), STATS)
        (o,) = objects(vmsigctl("stats", "build-7", "--json"))
        self.assertEqual((o["epoch"], o["commands"]), (1, 0))

    def test_audit(self):
        result = vmsigctl("audit", "build-7")
        self.ends(result, 0)
        self.assertRegex(result.out.splitlines()[0],
                         r"^NUMBER +TIME +CONTROL +DECISION +SUBJECT +VERDICT$")
        self.assertIn("adapter_attached", result.out)
        for o in objects(vmsigctl("audit", "build-7", "--json", "--last", "20")):
            self.assertEqual(o["endpoint"], "build-7")
        self.ends(vmsigctl("audit", "build-7", "--last", "0"), 2)

    def test_doctor(self):
        result = vmsigctl("doctor", "--json", env=environment(VMSIG_HIDE_KVM="1"))
        self.ends(result, 0)
        found = {o["name"]: o for o in objects(result)}
        for name in ("user", "epoll", "unix sockets", "sealed memory", "io_uring", "pidfd",
                     "peer pidfd", "kvm", "bus"):
            self.assertNotEqual(found[name]["why"], "", name)
        self.assertTrue(found["epoll"]["can"] and found["bus"]["can"])
        self.assertFalse(found["kvm"]["can"])
        self.assertIn("2 machines", found["bus"]["why"])
        gone = vmsigctl("doctor", uri="unix:///nonexistent/bus.sock",
                        env=environment(VMSIG_HIDE_KVM="1"))
        self.assertEqual(gone.code, 1, gone)
        self.assertRegex(gone.out, r"(?m)^bus +no +unix:///nonexistent.*no folder /nonexistent")
        self.assertNotIn("vmsigctl doctor", gone.out)


class Memory(Case):
    def test_memctx(self):
        result = vmsigctl("memctx", "build-7")
        self.matches(result, r"build-7\n  epoch       1\n  version     1\n  level       sealed\n"
                             r"  paging      x86_64_4_level\n  page size   4096\n"
                             r"  ram         0x000000000000\.\.0x000000100000 descriptor 0 offset "
                             r"0x0\n"
                             r"  ram         0x000100000000\.\.0x000100010000 descriptor 1 offset "
                             r"0x0\n"
                             r"  root        vcpu 0 0x[0-9a-f]+\n")
        (o,) = objects(vmsigctl("memctx", "build-7", "--json", "--refresh"))
        self.assertEqual((o["version"], o["level"], len(o["regions"])), (2, "sealed", 2))

    def test_read(self):
        self.ends(vmsigctl("mem", "read", "build-7", "0xff000", "20"), 0,
                  "00000000000ff000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00 "
                  " |................|\n"
                  "00000000000ff010  00 00 00 00                                      "
                  " |....|\n")
        (o,) = objects(vmsigctl("mem", "read", "build-7", "0xff000", "4", "--json"))
        self.assertEqual(o, {"endpoint": "build-7", "address": "0xff000", "length": 4,
                             "bytes": "00000000"})

    def test_read_both_ways(self):
        for way in ("bus", "memctx"):
            result = vmsigctl("mem", "read", "build-7", "0", "10000", "--raw", "--via", way)
            self.ends(result, 0)
            self.assertEqual(len(result.out), 10000)

    def test_read_virtual(self):
        # Where the page tables of the stub's guest lead to: its magic number is there.
        for way in ("bus", "memctx"):
            result = vmsigctl("mem", "read", "build-7", "0xffffc0de00001000", "8K", "--vcpu", "0",
                              "--via", way, "--json")
            self.ends(result, 0)
            self.assertIn("564d534947475331", objects(result)[0]["bytes"], way)
            self.ends(vmsigctl("mem", "read", "build-7", "0x7fff00000000", "8", "--vcpu", "0",
                               "--via", way), 1, "", "build-7: 0x7fff00000000: the address leads "
                      "to no memory (not_translated)\n  `vmsigctl memctx ")

    def test_read_what_is_not_there(self):
        for way in ("bus", "memctx"):
            self.ends(vmsigctl("mem", "read", "build-7", "0x80000000", "--via", way), 1, "",
                      "build-7: 0x80000000: it has no memory there (outside_ram)\n"
                      "  `vmsigctl memctx ")
        self.ends(vmsigctl("mem", "read", "build-7", "1", "--vcpu", "9"), 1, "", "no root of vCPU")
        self.ends(vmsigctl("mem", "read", "build-7", "elsewhere"), 2, "", "no number")
        self.ends(vmsigctl("mem", "read", "build-7", "0", "0"), 2)

    def test_read_what_was_taken_for_physical(self):
        for way in ("bus", "memctx"):
            self.ends(vmsigctl("mem", "read", "build-7", "0xffffc0de00001000", "--via", way), 1,
                      "", "`vmsigctl memctx build-7` shows where it has; this was taken for a "
                      "physical address: --vcpu 0 for a virtual one\n")
            told = vmsigctl("mem", "read", "build-7", "0x7fff00000000", "--vcpu", "0", "--via", way)
            self.assertNotIn("physical", told.err)
        self.ends(vmsigctl("mem", "write", "build-7", "0xffffc0de00001000", "00"), 1, "",
                  "taken for a physical address")

    def test_read_across_the_end(self):
        (o,) = objects(vmsigctl("memctx", "build-7", "--json"))
        end = int(o["regions"][0]["start"], 0) + o["regions"][0]["length"]
        for way in ("bus", "memctx"):
            for before, count in ((1, "1 byte"), (16, "16 bytes"), (4095, "4095 bytes"),
                                  (9000, "9000 bytes")):
                self.ends(vmsigctl("mem", "read", "build-7", hex(end - before), "10000", "--via",
                                   way), 1, "", f"build-7: {end:#x}, after {count}: it has no "
                          "memory there (outside_ram)\n")
            self.ends(vmsigctl("mem", "read", "build-7", hex(end - 16), "16", "--via", way), 0)

    def test_write(self):
        self.ends(vmsigctl("mem", "write", "build-7", "0xff000", "deadbeef"), 0,
                  "build-7: 4 bytes written at 0xff000 (atomic)\n")
        self.ends(vmsigctl("mem", "write", "build-7", "0xff001", "de ad be ef 01"), 0,
                  "build-7: 5 bytes written at 0xff001 (paused)\n")
        self.ends(vmsigctl("mem", "write", "build-7", "0xff000", "--value", "258", "--size", "2",
                           "--json"), 0,
                  '{"endpoint":"build-7","address":"0xff000","written":2,"mode":"atomic"}\n')
        self.ends(vmsigctl("mem", "write", "build-7", "0xff000", "--file", "-", "--mode",
                           "best-effort", stdin=b"x" * 3000), 0,
                  "build-7: 3000 bytes written at 0xff000 (best_effort)\n")

    def test_write_that_compares(self):
        self.ends(vmsigctl("mem", "write", "build-7", "0xff000", "01", "--compare", "00"), 0)
        self.ends(vmsigctl("mem", "write", "build-7", "0xff000", "01", "--compare", "07"), 1, "",
                  "build-7: 0xff000: 00 is there, and nothing was written (mismatch)\n")
        self.ends(vmsigctl("mem", "write", "build-7", "0xff000", "01" * 9, "--compare", "07" * 9),
                  1, "", "build-7: 0xff000: other bytes are there, and nothing was written")

    def test_bytes_that_are_written_as_a_number(self):
        place = ("mem", "write", "build-7", "0xff000")
        for text, size in (("0x1234", 2), ("0X123", 2), ("0x1", 1), ("0xdeadbeef", 4),
                           ("0x0123456789abcdef", 8)):
            self.ends(vmsigctl(*place, text), 2, "",
                      f"`{text}` is a number, not bytes in the order of memory\n"
                      f"  bytes have no 0x in front; a number is `--value {text} --size {size}`\n")
        self.ends(vmsigctl(*place, "0x123456"), 2, "", "bytes have no 0x in front\n")
        self.ends(vmsigctl(*place, "1234", "--compare", "0x0000"), 2, "", "bytes have no 0x")

    def test_write_that_means_nothing(self):
        for words in ((), ("01", "--value", "1"), ("0",), ("0g",),
                      ("--value", "300", "--size", "1"),
                      ("010203", "--mode", "atomic"), ("01", "--compare", "0102"),
                      ("01", "--compare", "01", "--mode", "best-effort"), ("01", "--mode", "soon")):
            self.ends(vmsigctl("mem", "write", "build-7", "0xff000", *words), 2, "")


class Driving(Case):
    def test_keys(self):
        self.ends(vmsigctl("input", "key", "build-7", "a", "ctrl+alt+delete", "--hold", "1ms"), 0,
                  "build-7: 2 keys pressed\n")
        self.ends(vmsigctl("input", "key", "build-7", "hyper"), 2, "", "there is no key `hyper`")
        self.ends(vmsigctl("input", "key", "build-7", "a+a"), 2, "", "a key twice")
        self.ends(vmsigctl("input", "key", "build-7", "a", "--hold", "0"), 2)

    def test_a_key_that_is_held_for_longer_than_anybody_waits(self):
        for words in (("key", "build-7", "a"), ("type", "build-7", "a"), ("click", "build-7")):
            self.ends(vmsigctl("input", *words, "--hold", "20", short="10s"), 2, "",
                      "--hold=20: 20s is not shorter than --timeout, 10s\n"
                      "  a time without a unit is in seconds: write 20ms; or a longer --timeout\n")
        # Nobody said how long: there is nothing to take back.
        self.ends(vmsigctl("input", "key", "nobody", "a", short="20ms",
                           uri="unix:///nonexistent/bus.sock"), 1, "", "there is no folder")

    def test_text(self):
        self.ends(vmsigctl("input", "type", "build-7", "Make, \"all\"!\n", "--hold", "1ms"), 0,
                  "build-7: 13 characters typed\n")
        result = vmsigctl("input", "type", "build-7", "pass\u00e9word")
        self.ends(result, 2, "", "byte 5 of the text is not on a US keyboard")
        self.assertNotIn("pass", result.err)

    def test_pointer(self):
        self.ends(vmsigctl("input", "move", "build-7", "--by", "-5,10"), 0,
                  "build-7: 1 move made\n")
        self.ends(vmsigctl("input", "move", "build-7"), 2, "", "says where")
        self.ends(vmsigctl("input", "click", "build-7", "--times", "2", "--hold", "1ms"), 0,
                  "build-7: 2 clicks made\n")
        self.ends(vmsigctl("input", "click", "build-7", "thumb"), 2, "", "left, right, middle")

    def test_power(self):
        self.ends(vmsigctl("power", "status", "build-7"), 0, "build-7: running\n")
        self.ends(vmsigctl("power", "pause", "build-7"), 0, "build-7: pause done, paused\n")
        self.ends(vmsigctl("power", "reset", "build-7", "--json"), 0,
                  '{"endpoint":"build-7","verb":"reset","outcome":"done","state":"running"}\n')
        self.ends(vmsigctl("power", "power-off", "build-7"), 0,
                  "build-7: power-off done, powered_off\n")
        self.ends(vmsigctl("power", "start", "build-7", "--json"), 1, "",
                  "build-7: start: it is running already (refused_by_vm)\n")
        self.ends(vmsigctl("power", "reset", "build-7", "--epoch", "7"), 1, "")
        self.ends(vmsigctl("power", "explode", "build-7"), 2, "", "there is no verb `explode`")

    def test_lease(self):
        self.ends(vmsigctl("lease", "acquire", "build-7", "input", "--for", "10ms"), 0,
                  "build-7: input lease, serial 1\n")
        self.ends(vmsigctl("lease", "status", "build-7", "power"), 0, "power     free\n")
        self.ends(vmsigctl("lease", "release", "build-7", "power"), 0,
                  "build-7: the power lease is free now\n")
        self.ends(vmsigctl("lease", "acquire", "build-7", "hat"), 2, "", "input, power, memwrite")

    def test_lease_of_a_command(self):
        self.ends(vmsigctl("lease", "acquire", "build-7", "input", "--", "sh", "-c",
                           'echo "$VMSIG_ENDPOINT $VMSIG_LEASE_SERIAL"; exit 7'), 7, "build-7 1\n")
        self.ends(vmsigctl("lease", "acquire", "build-7", "input", "--", "/nonexistent"), 127, "",
                  "No such file")


class CommandLine(Case):
    def test_usage(self):
        for words in ((), ("fly",), ("list", "--fly"), ("info",), ("info", "a", "b"), ("mem",),
                      ("lease", "fly"), ("power", "reset"), ("list", "--color", "blue")):
            result = vmsigctl(*words)
            self.ends(result, 2, "", "vmsigctl: ")
        for limit in ("0", "long", "-1s"):
            self.ends(vmsigctl("list", short=limit), 2, "", "vmsigctl: ")

    def test_uris(self):
        self.ends(vmsigctl("list", uri="stub:///other"), 2, "", "no such stub")
        self.ends(vmsigctl("list", uri="qemu:///system"), 2, "", "unix:///path")
        self.ends(vmsigctl("list", uri="unix:///nonexistent/bus.sock"), 1, "",
                  "there is no folder /nonexistent: --uri or $VMSIG_URI names the socket of a host")
        self.ends(vmsigctl("list", uri="unix://nonexistent/bus.sock"), 1, "",
                  "the path is relative: a third slash, as in unix:///run/vmsig/bus.sock")
        self.ends(vmsigctl("list", uri="unix:///bus.sock"), 1, "",
                  "is the host running? --uri or $VMSIG_URI")
        self.ends(vmsigctl("list", uri="unix:///etc/passwd"), 1, "", "what is there is no socket")
        named = vmsigctl("list", "--names", uri=None, env=environment(VMSIG_URI="stub:///default"))
        self.ends(named, 0, "build-7\ndb-1\n")
        self.ends(vmsigctl("list", uri=None), 1, "", "unix:///run/vmsig/bus.sock")

    def test_commands_that_are_none(self):
        for words, said in ((("frobnicate",), "frobnicate"), (("lease", "fly"), "lease fly"),
                            (("--json", "fly", "build-7"), "fly")):
            self.ends(vmsigctl(*words), 2, "", f"vmsigctl: there is no command `{said}`\n")

    def test_help_says_what_may_stand_there(self):
        usage = "Usage: vmsigctl input key [OPTIONS] ENDPOINT KEY...\n"
        for words, parts in (("input key", (usage,)),
                             ("list", ("Usage: vmsigctl list [OPTIONS]\n",)),
                             ("monitor", (" [ENDPOINT...]\n", " lifecycle memory lease ",
                                          " memctx_published", "of the host's own its number")),
                             ("power", (" snapshot-restore", " power-button")),
                             ("may", (" mem-read",)),
                             ("lease acquire", ("is another control", "the lease is held"))):
            out = vmsigctl(*words.split(), "--help", uri=None).out
            self.assertNotIn("x)", out)
            for part in parts:
                self.assertIn(part, out)

    def test_help_of_each(self):
        top = vmsigctl("--help", uri=None)
        self.ends(top, 0)
        for verb in ("list", "monitor", "lease", "input", "mem", "completion"):
            self.assertRegex(top.out, rf"(?m)^  {verb} ")
        for words in ("list", "info", "monitor", "memctx", "mem", "mem read", "mem write", "lease",
                      "lease acquire", "lease release", "lease status", "input", "input key",
                      "input type", "input move", "input click", "power", "may", "audit", "stats",
                      "doctor", "completion"):
            result = vmsigctl(*words.split(), "--help", uri=None)
            self.ends(result, 0)
            self.assertRegex(result.out.splitlines()[0], r"^[A-Z]")
        self.assertRegex(vmsigctl("--version", uri=None).out, r"^vmsigctl \d+\.\d+\.\d+\n$")

    def test_colours(self):
        self.assertIn("\x1b[", vmsigctl("list", "--color", "always").out)
        self.assertNotIn("\x1b[", vmsigctl("list").out)
        plain = re.sub(r"\x1b\[\d+m", "", vmsigctl("info", "db-1", "--color", "always").out)
        self.assertEqual(plain, vmsigctl("info", "db-1").out)

    def test_nothing_is_left_in_the_file_system(self):
        before = [f for f in os.listdir("/tmp") if f.startswith("vmsigctl-")]
        self.ends(vmsigctl("list", "--names"), 0)
        after = [f for f in os.listdir("/tmp") if f.startswith("vmsigctl-")]
        self.assertLessEqual(set(after) - set(before), {f for f in after if "test" in f})

    def test_json_is_json(self):
        for words in ("list", "info build-7", "monitor --count 4", "memctx build-7",
                      "mem read build-7 0", "lease status build-7", "may build-7",
                      "audit build-7", "stats build-7", "input key build-7 a --hold 1ms",
                      "power status db-1", "lease acquire db-1 power --for 1ms",
                      "may build-7 reset"):
            result = vmsigctl(*words.split(), "--json")
            self.ends(result, 0)
            self.assertTrue(result.out, words)
            for line in result.out.splitlines():
                self.assertIsInstance(json.loads(line), dict, words)


if __name__ == "__main__":
    main()
