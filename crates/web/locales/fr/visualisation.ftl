# Mots de la visualisation.
inbox-title = À traiter
inbox-problems = Incidents
inbox-stale = Sans données fraîches
inbox-handled = Pris en charge
inbox-failed = Livraisons échouées
inbox-findings = L’installation elle-même
counts = Le parc en chiffres
count-up = debout
count-down = à terre
count-stale = sans nouvelles
count-critical = { $count ->
    [one] critique
   *[other] critiques
}
count-warning = en alerte
count-unknown = { $count ->
    [one] inconnue
   *[other] inconnues
}
count-ok = OK
count-rollouts = { $count ->
    [one] déploiement en cours
   *[other] déploiements en cours
}
calm-title = Rien ne vous attend
calm-text = { $count ->
    [one] L’unique machine va bien et rien ne vous attend.
   *[other] Les { $count } machines vont bien et rien ne vous attend.
}
calm-hosts = Voir les machines
calm-enrol = Enrôler une autre machine
taken-by = Pris en charge par { $name } :
in-downtime = En maintenance

hosts-title = Machines
hosts-enrol = Enrôler une machine
hosts-none = Aucune machine encore
hosts-none-text = Créez un jeton d’enrôlement et lancez sur la machine la commande qu’il affiche.
hosts-no-match = Aucune machine ne répond à la requête
hosts-no-match-text = Retirez un terme, ou consultez le langage de requête.
hosts-shown = { $count ->
    [one] { $count } machine
   *[other] { $count } machines
}
host-stale-text = On ne sait rien de frais de cette machine. Dernières nouvelles de son agent :
host-edit = Changer le site, les étiquettes ou les notes
host-notes = Notes
host-remove = Oublier cette machine
host-remove-text = Son histoire disparaît, et son certificat est refusé dès maintenant. C’est irréversible.
tab-checks = Sondes
tab-inventory = Inventaire
tab-packages = Paquets
tab-deliveries = Livraisons
tab-timeline = Chronologie
recent = Ce qui vient de se passer
timeline-none = Rien ne s’est encore passé.
timeline-older = Plus ancien
kind-check = Sonde
kind-delivery = Livraison
kind-inventory = Inventaire
kind-host = Machine
kind-audit = Action d’une personne
packages-search = Partie du nom d’un paquet
packages-count = { $count ->
    [one] { $count } paquet
   *[other] { $count } paquets
}
packages-none = Aucun paquet n’a cela dans son nom.
deliveries-none = Aucune livraison.
inventory-taken = Relevé
inventory-machine = Matériel
inventory-model = Modèle
inventory-serial = Numéro de série
inventory-chassis = Boîtier
inventory-cpu = Processeur
inventory-threads = { $count ->
    [one] { $count } fil
   *[other] { $count } fils
}
inventory-memory = Mémoire
inventory-swap = Espace d’échange
inventory-kernel = Noyau
inventory-locale = Paramètres régionaux
inventory-zone = Fuseau horaire
inventory-agent = Agent
inventory-certificate = Certificat jusqu’au
inventory-mounts = Systèmes de fichiers
inventory-disks = Disques
inventory-networks = Cartes réseau
inventory-devices = Périphériques
inventory-services = Services

checks-title = Sondes
checks-none = Aucune sonde encore. Un agent apporte les siennes en une minute.
checks-no-match = Aucune sonde n’est ainsi.
query-hosts = Machines, dans le langage de requête
only-problems = Seulement les incidents
check-run = Lancer maintenant
check-acknowledge = Prendre en charge
check-acknowledge-text = L’incident quitte la liste de ce qui attend quelqu’un, jusqu’à ce que son état change.
check-unacknowledge = Rendre
check-stale-text = Pas de résultat frais : l’état ci-dessous est le dernier connu. Dernier résultat :
check-how = Comment on sonde
check-command = Commande
check-every = Intervalle
check-freshness = Périmé après
check-last = Dernier résultat
check-passive = Les résultats viennent de l’extérieur
downtime = Maintenance
downtime-minutes = Minutes à partir de maintenant
downtime-scope = Pour
downtime-check = Cette sonde
downtime-host = La machine et toutes ses sondes
downtime-plan = Commencer la maintenance
downtime-end = Y mettre fin
history = Histoire
history-none = Son état n’a pas encore changé.
perf = Mesures
perf-none = Aucun nombre dans cet intervalle.
perf-table = En tableau
perf-average = Moyenne
perf-low = Minimum
perf-high = Maximum
chart-of = Courbe de { $label } ; le tableau ci-dessous dit la même chose
limit-warning = Attention
limit-critical = Critique
range = Intervalle
range-1h = 1 h
range-6h = 6 h
range-24h = 24 h
range-7d = 7 jours
range-30d = 30 jours

rollouts-title = Déploiements
rollouts-none = Aucun déploiement encore
rollouts-none-text = Un déploiement apporte un colis aux machines que nomme une requête.
rollout-pause = Mettre en pause
rollout-resume = Reprendre
rollout-abort = Abandonner…
rollout-abort-text = Les livraisons qui n’ont pas commencé sont annulées pour de bon ; ce qui tourne sur une machine y finit.
rollout-abort-yes = Abandonner pour de bon
rollout-rate = { $count } par heure
rollout-left = encore { $span } environ
rollout-finished-at = Terminé
only-all = Toutes
only-failed = Échouées
delivery-fetched = par le réseau :
delivery-outcome = Ce qu’a donné l’action
delivery-exit = Code de sortie
delivery-duration = Durée
delivery-attempts = Essais
delivery-steps = Étapes
