#!/usr/bin/env python3
"""The manual has every verb and every option, and no other; README's transcript is what happens."""
import pathlib
import re
import shutil
import subprocess

from tool import LIMIT, PROGRAM, Case, environment, main, vmsigctl

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/man/vmsigctl.1"
README = ROOT / "README.md"


def verbs(*path):
    """Every verb below a path, as --help names them."""
    text = vmsigctl(*path, "--help", uri=None).out
    found = re.search(r"(?ms)^Subcommands:\n(.*?)\n\n", text + "\n\n")
    if not found:
        yield path
        return
    for name in re.findall(r"(?m)^  (\S+) ", found[1]):
        yield from verbs(*path, name)


def options(*path):
    text = vmsigctl(*path, "--help", uri=None).out
    return set(re.findall(r"--[a-z][a-z-]*", text.partition("\nOptions:")[2]
                          .partition("\nSubcommands:")[0]))


def plain(page):
    """Without the macros and escapes of roff."""
    page = re.sub(r"(?m)^\.\\\".*\n", "", page)
    page = re.sub(r"\\f.", "", page.replace("\\-", "-").replace("\\&", ""))
    return page.replace('"', "")


class Manual(Case):
    def setUp(self):
        self.page = plain(PAGE.read_text())

    def test_every_verb(self):
        for path in verbs():
            self.assertRegex(self.page, rf"(?m)^\.BI? {' '.join(path)}\b", path)

    def test_every_option_and_no_other(self):
        real = options()
        for path in verbs():
            for option in options(*path):
                self.assertIn(option, self.page, path)
            real |= options(*path)
        named = set(re.findall(r"(?<!\S)\[?--[a-z][a-z-]*", self.page))
        for option in {name.lstrip("[") for name in named}:
            self.assertIn(option, real | {"--version"})

    def test_every_exit_code(self):
        status = self.page.partition(".SH EXIT STATUS")[2].partition(".SH")[0]
        self.assertEqual(re.findall(r"(?m)^(\d+)$", status), ["0", "1", "2", "3", "4", "124"])

    def test_it_is_good_roff(self):
        if not shutil.which("groff"):
            self.skipTest("no groff")
        done = subprocess.run(["groff", "-man", "-ww", "-z", PAGE], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, b""))


class Readme(Case):
    def test_its_transcript_is_what_happens(self):
        section = README.read_text().partition("## Drive a machine by hand")[2]
        transcript = re.search(r"(?s)```console\n(.*?)```", section)[1]
        path = str(pathlib.Path(PROGRAM).parent)
        env = environment(PATH=path + ":" + environment()["PATH"])
        commands = re.findall(r"(?m)^\$ (.*)$", transcript)
        self.assertGreater(len(commands), 5)
        script = "".join(f"echo {quoted('$ ' + each)}\n{each}\n" for each in commands)
        done = subprocess.run(["sh", "-ec", script], env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
        self.assertEqual(done.stdout.decode(), transcript)
        self.assertEqual(done.returncode, 0)


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


if __name__ == "__main__":
    main()
