"""Make the record of all experiments by its plan: `python record/make.py DIR --mnist DIR`.

In a clone with nothing changed, at a tag that `record/plan.json` names, the tag's experiments run
one after the other, in the plan's order, and their results go to the folder DIR, which is new or
that of the same record; experiments of other tags stay there as they are. The same command
continues after an interruption, as often as it takes. At the end DIR has `plan.json` (with the
tag's commit and a digest of the rules of its experiments), a folder per experiment with its result,
figures and `record.json`, `claims.json`, and the documents of `mnist1d report`. With `--keep` that
becomes `results/`, and `record.json` comes into the package. An experiment that was interrupted has
no time; with `--time DIR` it has that of a whole run of the tag in DIR. See docs/record.md.
"""

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

from mnist1d.cli import main as command_line
from mnist1d.cli.options.command import prepare_devices
from mnist1d.dataset.atomic import atomic_write
from mnist1d.execution.commit import commit_of_code
from mnist1d.experiments import EXPERIMENTS
from mnist1d.harness import record
from mnist1d.harness.interface import InputError
from mnist1d.harness.lines import Lines
from mnist1d.harness.stored.findings import load_findings, save_claims
from mnist1d.harness.stored.plan import FILE, plan_of, read_plan, write_plan
from mnist1d.harness.verdicts.reference import FILE as RECORD, as_record

ROOT = Path(__file__).resolve().parents[1]

LEFT_OUT = {
    "self-supervised": ("weights_default", "weights_no_projector", "weights_deep_projector"),
}
"""Variables that stay out of `results/` for their size: no claim, table or figure reads them."""


def git(root, *arguments):
    """Return what git says of a repository."""
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise InputError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def commit_at_tag(root, tag):
    """Return the commit of a tag; refuses a repository that is elsewhere or changed.

    Raises: InputError: saying what to do.
    """
    if not git(root, "tag", "--list", tag):
        raise InputError(f"there is no tag {tag}: git tag {tag}, at the commit of rules and plan")
    commit, head = (git(root, "rev-parse", f"{ref}^{{commit}}") for ref in (tag, "HEAD"))
    if head != commit:
        raise InputError(f"HEAD is {head[:12]} and must be the tag {tag}: git checkout {tag}")
    if changed := git(root, "status", "--porcelain"):
        first, *others = changed.splitlines()
        more = f" and {len(others)} more" if others else ""
        raise InputError(f"the clone must have no changes, and has {first.strip()}{more}")
    return commit


def plan_at_tag(tag):
    """Return the plan of the clone, begun, and the tag: that of the plan if none is given.

    Raises: InputError: if the clone is not at the tag, or the package is not the clone's.
    """
    plan = read_plan(Path(__file__).with_name(FILE))
    tag = tag or plan.tag
    if not plan.of_tag(tag):
        raise InputError(f"no experiment of {FILE} is of the tag {tag}")
    commit = commit_at_tag(ROOT, tag)
    if commit_of_code() != commit:
        raise InputError(f"mnist1d must be that of {ROOT}: pip install -e there")
    return plan.begun(tag, commit, EXPERIMENTS), tag


def begin(plan, tag, out):
    """Write the plan into the record's folder, or find it there, and return it.

    Raises: InputError: if the folder is that of another record, or of something else.
    """
    if (found := plan_of(out)) is not None:
        plan = plan.joined_to(found, tag)
    elif out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out} must be a new folder: it is not empty, and has no {FILE}")
    write_plan(plan, out / FILE)
    return plan


def run(plan, tag, experiments, out, places, progress):
    """Run what the record lacks; a finished result that keeps to the plan is left alone."""
    by_name = {experiment.NAME: experiment for experiment in experiments}
    for name in plan.of_tag(tag):
        planned, experiment, folder = plan.experiments[name], by_name[name], out / name
        try:
            if not plan.broken_by(experiment, record.load(experiment, folder)):
                progress(f"{name} is finished", 0, 0)
                continue
        except FileNotFoundError:
            pass
        except ValueError as error:
            progress(f"{error}", 0, 0)
        progress(f"{name}: {planned.seeds} runs", 0, 0)
        result = record.execute(
            experiment,
            planned.config(experiment, **places),
            progress=progress,
            folder=folder / "units",
        )
        if wrong := plan.broken_by(experiment, result):
            raise InputError(wrong)
        record.save(experiment, result, folder)


def times_of(plan, tag, experiments, folder):
    """Return the times of the tag's experiments that were run whole in a folder, for that alone.

    Raises: InputError: if there is none, or something else than a whole run of the same code.
    """
    by_name, times = {experiment.NAME: experiment for experiment in experiments}, {}
    for name in plan.of_tag(tag):
        if not (folder / name / "result.nc").is_file():
            continue
        run = record.load(by_name[name], folder / name)
        n = run.sizes.get("seed", 0)
        alike = dataclasses.replace(plan.experiments[name], seeds=n)
        own = dataclasses.replace(plan, experiments={**plan.experiments, name: alike})
        if wrong := own.broken_by(by_name[name], run):
            raise InputError(f"{folder}: {wrong}")
        if "seconds" not in run.attrs or run.attrs.get("units_found", 1):
            raise InputError(f"{folder}: {name} was interrupted, too, or holds no time")
        times[name] = {"seconds": float(run.attrs["seconds"]), "seeds": n}
    if not times:
        names = ", ".join(plan.of_tag(tag))
        raise InputError(f"{folder} must have NAME/result.nc of one of {names}: there is none")
    return times


def take_times(times, experiments, out):
    """Have results that were interrupted hold the times of whole runs."""
    for experiment in experiments:
        name = experiment.NAME
        if name in times and (result := record.load(experiment, out / name)).attrs["units_found"]:
            timed = result.assign_attrs(time_apart=json.dumps(times[name]))
            record.save(experiment, timed, out / name)


def begun(plan, experiments):
    """Return the experiments whose record is begun."""
    names = {name for name, each in plan.experiments.items() if each.rules}
    return [experiment for experiment in experiments if experiment.NAME in names]


def lacking(plan, experiments, out):
    """Name the experiments whose record is begun and has no result yet: those of another tag."""
    names = [experiment.NAME for experiment in begun(plan, experiments)]
    return [name for name in names if not (out / name / "result.nc").is_file()]


def finish(plan, experiments, out):
    """Write what the package ships of every experiment, all means, and the verdicts."""
    if left := lacking(plan, experiments, out):
        raise InputError(f"the record lacks {', '.join(left)}, of another tag")
    found = [load_findings(each, out / each.NAME) for each in begun(plan, experiments)]
    for each in found:
        _, commit = plan.version_of(each.experiment.NAME)
        text = as_record(each.experiment, each.judgements, commit=commit)
        with atomic_write(out / each.experiment.NAME / RECORD) as file:
            file.write(text.encode())
    write_plan(plan.finished(found), out / FILE)
    if wrong := save_claims(experiments, out):
        raise InputError("; ".join(wrong.values()))


def keep(plan, experiments, out, results):
    """Put a finished record in the place of the clone's, and its numbers into the package."""
    shutil.rmtree(results, ignore_errors=True)
    unfinished = shutil.ignore_patterns("units", "*.pdf", RECORD, "RESULTS.md", "report.html", ".*")
    shutil.copytree(out, results, ignore=unfinished)
    for experiment in begun(plan, experiments):
        name = experiment.NAME
        shutil.copyfile(out / name / RECORD, Path(experiment.__file__).parent / RECORD)
        if left_out := LEFT_OUT.get(name):
            found = record.load(experiment, results / name)
            small = found.drop_vars(left_out, errors="ignore")  # already left out, or not
            record.write(small, results / name / "result.nc")
    # Judged again, as the package has the record now.
    save_claims(experiments, results)


def report(folder, out):
    """Make the documents, as the command does."""
    sys.argv = ["mnist1d", "report", str(folder), "--out", str(out)]
    command_line()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, metavar="DIR", help="folder of the record")
    parser.add_argument("--mnist", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--tag", help="of the experiments to run; that of the plan if left out")
    parser.add_argument("--time", type=Path, metavar="DIR", help="a whole run, for its time alone")
    parser.add_argument("--keep", action="store_true", help="replace results/ by it at the end")
    options = parser.parse_args()
    try:
        plan, tag = plan_at_tag(options.tag)
        times = times_of(plan, tag, EXPERIMENTS, options.time) if options.time else {}
        plan = begin(plan, tag, options.out)
        prepare_devices()
        run(plan, tag, EXPERIMENTS, options.out, {"mnist": options.mnist}, Lines())
        take_times(times, EXPERIMENTS, options.out)
        finish(plan, EXPERIMENTS, options.out)
        if options.keep:
            keep(plan, EXPERIMENTS, options.out, ROOT / "results")
    except InputError as error:
        raise SystemExit(f"record/make.py: {error}") from None
    report(*((ROOT / "results", ROOT) if options.keep else (options.out, options.out)))


if __name__ == "__main__":
    main()
