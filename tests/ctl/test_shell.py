#!/usr/bin/env python3
"""The completion of a shell: bash takes the script, and completes what there is."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tool import LIMIT, PROGRAM, Case, environment, main, vmsigctl

COMPLETE = r"""
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_vmsigctl
printf '%s\n' "${COMPREPLY[@]}"
"""


@unittest.skipUnless(shutil.which("bash"), "no bash")
class Bash(Case):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.script = pathlib.Path(self.folder.name) / "vmsigctl.bash"
        self.script.write_text(vmsigctl("completion", "bash", uri=None).out)

    def tearDown(self):
        self.folder.cleanup()

    def completed(self, *words):
        """What follows the words; the last one is what is there of it."""
        path = str(pathlib.Path(PROGRAM).parent)
        env = environment(PATH=path + ":" + environment()["PATH"], VMSIG_URI="stub:///default")
        done = subprocess.run(["bash", "-c", COMPLETE, "bash", self.script, "vmsigctl", *words],
                              env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=LIMIT, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode().split()

    def test_it_is_a_script(self):
        done = subprocess.run(["bash", "-n", self.script], stderr=subprocess.PIPE, timeout=LIMIT,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_verbs(self):
        self.assertEqual(self.completed("l"), ["list", "lease"])
        self.assertEqual(self.completed("lease", ""), ["acquire", "release", "status"])
        self.assertEqual(self.completed("mem", "w"), ["write"])
        self.assertEqual(self.completed("--json", "--timeout", "5s", "inp"), ["input"])

    def test_machines(self):
        self.assertEqual(self.completed("info", ""), ["build-7", "db-1"])
        self.assertEqual(self.completed("power", "reset", "d"), ["db-1"])
        self.assertEqual(self.completed("monitor", "build-7", "d"), ["db-1"])

    def test_words(self):
        self.assertEqual(self.completed("power", "power"), ["power-button", "power-off"])
        self.assertEqual(self.completed("lease", "acquire", "build-7", ""),
                         ["input", "power", "memwrite"])
        self.assertEqual(self.completed("mem", "write", "--mode", ""),
                         ["atomic", "paused", "best-effort"])
        self.assertEqual(self.completed("list", "--color", "a"), ["auto", "always"])
        self.assertIn("replay_end", self.completed("monitor", "--kind", "replay"))
        self.assertIn("enter", self.completed("input", "key", "build-7", "a", "ent"))

    def test_options(self):
        self.assertEqual(self.completed("lease", "acquire", "--w"), ["--wait", "--wait-for"])
        self.assertIn("--uri", self.completed("list", "-"))
        self.assertNotIn("--wait", self.completed("list", "-"))

    def test_for_zsh_too(self):
        script = vmsigctl("completion", "zsh", uri=None).out
        self.assertTrue(script.startswith("autoload -U +X bashcompinit && bashcompinit\n"))
        self.ends(vmsigctl("completion", "fish", uri=None), 2, "", "one of bash, zsh")
        if shutil.which("zsh"):
            subprocess.run(["zsh", "-n"], input=script.encode(), timeout=LIMIT, check=True)


if __name__ == "__main__":
    main()
