# Words of the configuration.
start-title = Welcome aboard
start-what = Escadre chooses the software that each machine should have, ships it there, and watches that it works. Here you configure it; the visualisation shows how the fleet is.
start-path = The way
start-running = The server runs
start-running-text = All roles are in one process on this machine.
start-machine = This machine is enrolled
start-machine-text = Its agent runs, its inventory is here, and it is watched.
start-machine-none = No machine is enrolled yet.
start-key = The publisher's key
start-key-away = The key that signs bundles is not on this server: whoever takes the server over can delay, not execute.
start-enrol = Enrol another machine
start-enrol-text = A token lets one machine in, once.
start-bundle = Make a bundle
start-bundle-text = A bundle is a folder with an action, signed by the publisher.
start-bundle-here = Or upload an archive here
start-rollout = Roll it out
start-rollout-text = A query says which machines get it.

bundles-title = Bundles
bundles-none = No bundle yet
bundles-none-text = Make one from a folder on the command line, or upload an archive below.
bundle-trust = Signature
bundle-signed = Signed
bundle-unsigned = Unsigned
bundle-unsigned-text = No agent takes this bundle before the publisher has signed it. Where the publisher's key lies:
bundle-action = Action
bundle-stored = Stored
bundle-in-use = In use
bundle-signers = Signed by
bundle-files = Files
bundle-manifest = Manifest
bundle-used = Used by
bundle-used-none = No rollout uses it.
bundle-verify = Verify
bundle-verified = { $count ->
    [one] Whole and signed: its one chunk was checked.
   *[other] Whole and signed: { $count } chunks were checked.
}
bundle-broken = Something is wrong with it:
bundle-remove = Remove
bundle-roll-out = Roll it out
action-launch = Launch
action-launch-text = runs a program of the archive
action-execute = Execute
action-execute-text = runs a command of the machine inside the archive's folder
action-store = Store
action-store-text = puts the content into a folder of the machine
action-command = Command line, or the folder
upload-new = Make a bundle of an archive
upload-file = Archive
upload-file-text = .zip, .tar or .tar.gz
upload-button = Upload
upload-title = Upload of { $name }
upload-see = See the bundle
upload-receiving = Receiving
upload-cutting = Cutting into chunks
upload-signing = Signing
upload-done = Done
upload-unsigned = Waiting for the publisher's signature
upload-failed = Failed

wizard-title = New rollout
wizard-steps = Steps
wizard-what = What
wizard-who = Who
wizard-when = When
wizard-review = Review
wizard-next = Next
wizard-back = Back
wizard-no-bundle = There is no signed bundle yet
wizard-preview = Preview
wizard-who-hint = Empty means every machine. The machines are fixed when the rollout starts.
wizard-included = { $count ->
    [one] One machine gets it
   *[other] { $count } machines get it
}
wizard-excluded = { $count ->
    [one] One is left out
   *[other] { $count } are left out
}
wizard-excluded-none = Nobody that the query names is left out.
wizard-unmatched = { $count ->
    [one] One machine is not named by the query
   *[other] { $count } machines are not named by the query
}
wizard-leave-out = leave out
wizard-leave-out-named = leave out { $name }
wizard-take-back = take back
wizard-take-back-named = take back { $name }
wizard-nobody = Nobody would get it. Change the query.
wizard-now = Empty: at once.
wizard-never = Empty: never.
wizard-at-once = At once
wizard-cost = Content
wizard-per-host = for a machine that has nothing of it
wizard-at-most = at most
wizard-fixed = The list of machines is fixed when you start. You can pause and abort at any time.
wizard-start = Start the rollout
excluded-excepted = You left it out.
excluded-wrong-target = The bundle is not made for it.
excluded-already-has = It already has this bundle.
excluded-in-progress = It is just getting this bundle.

tokens-title = Tokens
tokens-none = No token yet.
token-new = New token
token-kind = Kind
token-enrolment = Enrolment
token-enrolment-text = lets one machine in, once
token-api = API
token-api-text = lets a program use the API
token-hours = Valid for (hours)
token-hours-text = Empty: 24 hours for enrolment, 90 days for the API.
token-role = Role (API)
token-site = Site (enrolment)
token-tags = Tags (enrolment)
token-create = Make the token
token-made = Token “{ $name }” is made.
token-once = Its secret is shown only now. Run this on the machine that will use it:
token-revoke = Revoke
token-revoke-named = Revoke { $name }
token-alive = Valid
token-used = Used
token-expired = Expired
token-revoked = Revoked
token-last = Used

users-title = Users
user-new = New user
user-create = Make the user
user-create-text = A one-time link lets them in and asks for a password.
user-link = A one-time link for { $name } is made.
user-link-once = It is shown only now and works once. Send it to them:
user-make-link = Make a one-time link
user-edit = Change
user-edit-named = Change { $name }
user-remove = Remove { $name }
user-disabled = Disabled
user-no-password = No password yet
user-fine = Can sign in
user-last = Last sign-in
role-text-viewer = sees everything, changes nothing
role-text-operator = acknowledges, plans downtimes, pauses rollouts
role-text-publisher = uploads bundles and rolls them out
role-text-administrator = everything

audit-title = Audit log
audit-search = Words in who, what, subject or detail
audit-none = No entry has these words.
audit-number = No.
audit-from = From
audit-subject = To what
audit-outcome = Outcome

settings-title = Settings
settings-done = The settings are saved.
settings-name = Name of the installation
settings-contact = Seconds between two contacts of a quiet agent
settings-contact-text = Smaller is fresher, larger is lighter on the links.
settings-keep = Days of history that are kept
settings-sites = Sites by subnet
settings-sites-text = One a line. A machine that enrols from the subnet belongs to the site.
