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
count-critical = { $count ->
   *[other] critical
}
count-warning = warning
count-unknown = { $count ->
   *[other] unknown
}
count-ok = OK
count-rollouts = { $count ->
    [one] rollout going on
   *[other] rollouts going on
}
calm-title = Nothing needs you
calm-text = { $count ->
    [one] The one host is well and nothing waits for you.
   *[other] All { $count } hosts are well and nothing waits for you.
}
calm-hosts = See the hosts
calm-enrol = Enrol another machine
taken-by = Taken by { $name }:
in-downtime = In downtime

hosts-title = Hosts
hosts-enrol = Enrol a machine
hosts-none = No machine yet
hosts-none-text = Make an enrolment token and run the command that it shows on the machine.
hosts-no-match = No machine fits the query
hosts-no-match-text = Take a term away, or look at the query language.
hosts-shown = { $count ->
    [one] One machine
   *[other] { $count } machines
}
host-stale-text = Nothing fresh is known of this machine. Last word from its agent:
host-edit = Change site, tags or notes
host-notes = Notes
host-remove = Forget this machine
host-remove-text = Its history goes, and its certificate is refused from now on. This cannot be undone.
tab-checks = Checks
tab-inventory = Inventory
tab-packages = Packages
tab-deliveries = Deliveries
tab-timeline = Time line
recent = What happened last
timeline-none = Nothing has happened yet.
timeline-older = Older
kind-check = Check
kind-delivery = Delivery
kind-inventory = Inventory
kind-host = Host
kind-audit = Action of a person
packages-search = Part of a package's name
packages-count = { $count ->
    [one] One package
   *[other] { $count } packages
}
packages-none = No package has that in its name.
deliveries-none = No deliveries.
inventory-taken = Taken
inventory-machine = Machine
inventory-model = Model
inventory-serial = Serial number
inventory-chassis = Case
inventory-cpu = Processor
inventory-threads = { $count ->
    [one] one thread
   *[other] { $count } threads
}
inventory-memory = Memory
inventory-swap = Swap
inventory-kernel = Kernel
inventory-locale = Locale
inventory-zone = Time zone
inventory-agent = Agent
inventory-certificate = Certificate until
inventory-mounts = File systems
inventory-disks = Disks
inventory-networks = Network cards
inventory-devices = Devices
inventory-services = Services

checks-title = Checks
checks-none = No check yet. An agent brings its own within a minute.
checks-no-match = No check is like that.
query-hosts = Hosts, in the query language
only-problems = Only problems
check-run = Run now
check-acknowledge = Acknowledge
check-acknowledge-text = The problem leaves the list of what needs somebody until its state changes.
check-unacknowledge = Give back
check-stale-text = No fresh result: the state below is the last one known. Last result:
check-how = How it is checked
check-command = Command
check-every = Every
check-freshness = Stale after
check-last = Last result
check-passive = Results come from outside
downtime = Downtime
downtime-minutes = Minutes from now on
downtime-scope = For
downtime-check = This check
downtime-host = The host and all its checks
downtime-plan = Begin the downtime
downtime-end = End it
history = History
history-none = Its state has not changed yet.
perf = Performance data
perf-none = No numbers in this range.
perf-table = As a table
perf-average = Average
perf-low = Lowest
perf-high = Highest
chart-of = Curve of { $label }; the table below says the same
limit-warning = Warning
limit-critical = Critical
range = Range
range-1h = 1 h
range-6h = 6 h
range-24h = 24 h
range-7d = 7 days
range-30d = 30 days

rollouts-title = Rollouts
rollouts-none = No rollout yet
rollouts-none-text = A rollout brings a bundle to the machines that a query names.
rollout-pause = Pause
rollout-resume = Go on
rollout-abort = Abort…
rollout-abort-text = Deliveries that have not begun are cancelled for good; what runs on a machine ends there.
rollout-abort-yes = Abort for good
rollout-rate = { $count } per hour
rollout-left = about { $span } left
rollout-finished-at = Finished
only-all = All
only-failed = Failed
delivery-fetched = over the wire:
delivery-outcome = What the action gave
delivery-exit = Exit code
delivery-duration = Duration
delivery-attempts = Attempts
delivery-steps = Steps
