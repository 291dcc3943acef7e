# Words of the visualisation.
inbox-title = What needs me
inbox-problems = Problems
inbox-stale = Without fresh data
inbox-handled = Taken care of
inbox-failed = Failed deliveries
inbox-findings = The installation itself
counts = The fleet in numbers
count-up = up
count-down = down
count-stale = stale
count-critical = critical
count-warning = warning
count-unknown = unknown
count-ok = OK
count-rollouts = rollouts
calm-title = Nothing needs you
calm-text = { $count ->
    [one] The one host is well and nothing waits for you.
   *[other] All { $count } hosts are well and nothing waits for you.
}
calm-hosts = See the hosts
calm-enrol = Enrol another machine
taken-by = Taken by { $name }:
in-downtime = In downtime
