"""The judge: `check.py FOLDER SEEDS ANSWER…`. Reads the lists and each answer by itself, with no code of either solver."""
import glob
import re
import sys


def order(char):
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256


def part(a, b):
    """deb-version(7): by turns what is no digit, and numbers."""
    while a or b:
        one, two = re.match(r"\D*", a).group(), re.match(r"\D*", b).group()
        a, b = a[len(one):], b[len(two):]
        keys = [[order(c) for c in text] + [0] for text in (one, two)]
        if keys[0] != keys[1]:
            return -1 if keys[0] < keys[1] else 1
        one, two = re.match(r"\d*", a).group(), re.match(r"\d*", b).group()
        a, b = a[len(one):], b[len(two):]
        if int(one or 0) != int(two or 0):
            return -1 if int(one or 0) < int(two or 0) else 1
    return 0


def compare(a, b):
    epochs = [int(v.split(":", 1)[0]) if ":" in v else 0 for v in (a, b)]
    if epochs[0] != epochs[1]:
        return -1 if epochs[0] < epochs[1] else 1
    a, b = (v.split(":", 1)[-1] for v in (a, b))
    halves = [v.rsplit("-", 1) if "-" in v else [v, ""] for v in (a, b)]
    return part(halves[0][0], halves[1][0]) or part(halves[0][1], halves[1][1])


def accepts(sign, have, wanted):
    result = compare(have, wanted)
    return {"<<": result < 0, "<=": result <= 0, "=": result == 0, ">=": result >= 0, ">>": result > 0}[sign]


ATOM = re.compile(r"([^\s:(]+)(?::\S+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*(\S+)\s*\))?")


def groups(text):
    return [[ATOM.match(atom.strip()).groups() for atom in group.split("|")] for group in text.split(",") if group.strip()]


known = {}
for path in glob.glob(sys.argv[1] + "/*_Packages"):
    for stanza in open(path, encoding="utf-8").read().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.split("\n") if ": " in line and line[0] != " ")
        if fields:
            known.setdefault((fields["Package"], fields["Version"]), fields)
seeds = open(sys.argv[2]).read().split()
failed = False
for answer in sys.argv[3:]:
    chosen = [tuple(line.split()) for line in open(answer)]
    provided, faults = {}, []
    for name, version in chosen:
        provided.setdefault(name, []).append((name, version))
        for [(virtual, _, at)] in groups(known[name, version].get("Provides", "")):
            provided.setdefault(virtual, []).append((name, at))

    def answers(atom, asking=None):
        name, sign, wanted = atom
        return [
            package for package, have in provided.get(name, [])
            if package != asking and (not sign or (have and accepts(sign, have, wanted)))
        ]

    for key in chosen:
        fields = known[key]
        for field in ("Depends", "Pre-Depends"):
            faults += ["%s: %s unmet" % (key, g) for g in groups(fields.get(field, "")) if not any(map(answers, g))]
        for field in ("Conflicts", "Breaks"):
            for group in groups(fields.get(field, "")):
                faults += ["%s clashes: %s" % (key, atom) for atom in group if answers(atom, key[0])]
    if len({name for name, _ in chosen}) != len(chosen):
        faults.append("a name twice")
    faults += ["%s is missing" % seed for seed in seeds if not answers((seed, None, None))]
    print("%s: %d packages, %d faults" % (answer.rsplit("/", 1)[-1], len(chosen), len(faults)))
    for fault in faults[:5]:
        print("  " + fault)
    failed = failed or bool(faults)
sys.exit(1 if failed else 0)
