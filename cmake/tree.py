"""The files of this project, and what the two checkers share."""
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__"}


def files(root):
    """Sorted paths relative to `root`: what git tracks or would track, else what is there."""
    git = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if git.returncode == 0:
        names = [os.fsdecode(name) for name in git.stdout.split(b"\0") if name]
    else:
        names = []
        for folder, subfolders, leaves in os.walk(root):
            subfolders[:] = [s for s in subfolders if s not in SKIPPED_FOLDERS]
            names += [os.path.relpath(os.path.join(folder, leaf), root) for leaf in leaves]
    return sorted(pathlib.PurePosixPath(n) for n in set(names) if (root / n).is_file())


def report(problems):
    """Prints one problem per line; the exit status."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem(s)" if problems else "no problems")
    return 1 if problems else 0


def self_test(check, clean, faults):
    """Proves that `check` accepts a clean tree and finds each fault.

    clean: {path: text}. faults: (path, text, what the report must contain), each put into the
    clean tree alone.
    """
    def problems_with(tree):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in tree.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            return check(root)

    failures = [f"in a clean tree: {problem}" for problem in problems_with(clean)]
    for name, text, expected in faults:
        problems = problems_with({**clean, name: text})
        if not any(expected in problem for problem in problems):
            failures.append(f"{name}: expected '{expected}' to be reported, got {problems}")
    print(f"{len(faults)} faults planted")
    return report(failures)
