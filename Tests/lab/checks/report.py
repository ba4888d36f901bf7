"""The outcome of the checks, as it comes and as a table."""
import time

from observers import Failure


class Report:
    """What held and what did not, in the order of the checks."""

    def __init__(self):
        self.rows = []
        self.started = time.monotonic()

    def check(self, subject, what, body):
        began = time.monotonic()
        try:
            remark = body() or ""
            result = "ok"
        except Failure as failure:
            remark, result = str(failure), "FAILED"
        except Exception as problem:    # a check that breaks must not end the others
            remark, result = "%s: %s" % (type(problem).__name__, problem), "FAILED"
        self.rows.append((subject, what, result, remark))
        print("%-6s %-24s %-34s %5.1f s  %s" % (result, subject, what, time.monotonic() - began, remark), flush=True)
        return result == "ok"

    def summary(self):
        print("\n%-24s %s" % ("Summary", "checks"))
        for subject in dict.fromkeys(row[0] for row in self.rows):
            rows = [row for row in self.rows if row[0] == subject]
            bad = [row[1] for row in rows if row[2] != "ok"]
            print("  %-22s %3d  %s" % (subject, len(rows), "ok" if not bad else "FAILED: " + ", ".join(bad)))
        bad = sum(row[2] != "ok" for row in self.rows)
        print("%d checks, %d failed, %d s in the guest" % (len(self.rows), bad, time.monotonic() - self.started))
        return bad
