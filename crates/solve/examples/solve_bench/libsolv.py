"""libsolv's side: `libsolv.py text|cache|write FOLDER SEEDS ANSWER`. Prints `cpu seconds, peak KiB, load ms, solve ms` as JSON."""
import glob
import json
import sys
import time

import solv

started = time.monotonic()
mode, folder, seeds, answer = sys.argv[1:5]
pool = solv.Pool()
pool.setdisttype(solv.Pool.DISTTYPE_DEB)
pool.setarch("amd64")
if mode == "cache":
    for path in sorted(glob.glob(folder + "/*.solv")):
        pool.add_repo(path).add_solv(solv.xfopen(path))
else:
    for number, path in enumerate(sorted(glob.glob(folder + "/*_Packages"))):
        repository = pool.add_repo(path)
        repository.add_debpackages(solv.xfopen(path))
        if mode == "write":
            out = solv.xfopen("%s/%d.solv" % (folder, number), "w")
            repository.write(out)
            out.close()
pool.createwhatprovides()
loaded = time.monotonic()
jobs = []
for name in open(seeds).read().split():
    jobs += pool.select(name, solv.Selection.SELECTION_NAME).jobs(solv.Job.SOLVER_INSTALL)
solver = pool.Solver()
solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
problems = solver.solve(jobs)
if problems:
    sys.exit("libsolv finds %d problems" % len(problems))
chosen = solver.transaction().newsolvables()
solved = time.monotonic()
with open(answer, "w") as out:
    for package in chosen:
        out.write("%s %s\n" % (package.name, package.evr))
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({
    "packages": len(chosen), "cpu": time.process_time(), "peak": int(peak),
    "load": (loaded - started) * 1e3, "solve": (solved - loaded) * 1e3,
}))
