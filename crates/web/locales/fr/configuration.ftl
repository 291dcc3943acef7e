# Mots de la configuration.
start-title = Bienvenue à bord
start-what = Escadre choisit les logiciels que chaque machine doit avoir, les y apporte, et veille à ce qu’ils marchent. Ici vous la configurez ; la visualisation montre comment va le parc.
start-path = Le chemin
start-running = Le serveur tourne
start-running-text = Tous les rôles sont dans un seul processus sur cette machine.
start-machine = Cette machine est enrôlée
start-machine-text = Son agent tourne, son inventaire est là, et elle est surveillée.
start-machine-none = Aucune machine n’est encore enrôlée.
start-key = La clé de l’éditeur
start-key-away = La clé qui signe les colis n’est pas sur ce serveur : qui s’en empare peut retarder, pas exécuter.
start-enrol = Enrôler une autre machine
start-enrol-text = Un jeton laisse entrer une machine, une fois.
start-bundle = Créer un colis
start-bundle-text = Un colis est un dossier avec une action, signé par l’éditeur.
start-bundle-here = Ou envoyer une archive ici
start-rollout = Le déployer
start-rollout-text = Une requête dit quelles machines le reçoivent.

bundles-title = Colis
bundles-none = Aucun colis encore
bundles-none-text = Créez-en un depuis un dossier en ligne de commande, ou envoyez une archive ci-dessous.
bundle-trust = Signature
bundle-signed = Signé
bundle-unsigned = Non signé
bundle-unsigned-text = Aucun agent ne prend ce colis avant que l’éditeur l’ait signé. Là où se trouve la clé de l’éditeur :
bundle-action = Action
bundle-stored = Stocké
bundle-in-use = Utilisé
bundle-signers = Signé par
bundle-files = Fichiers
bundle-manifest = Manifeste
bundle-used = Utilisé par
bundle-used-none = Aucun déploiement ne l’utilise.
bundle-verify = Vérifier
bundle-verified = { $count ->
    [one] Entier et signé : { $count } morceau a été vérifié.
   *[other] Entier et signé : { $count } morceaux ont été vérifiés.
}
bundle-broken = Quelque chose ne va pas :
bundle-remove = Retirer
bundle-roll-out = Le déployer
action-launch = Lancer
action-launch-text = exécute un programme de l’archive
action-execute = Exécuter
action-execute-text = exécute une commande de la machine dans le dossier de l’archive
action-store = Déposer
action-store-text = met le contenu dans un dossier de la machine
action-command = Ligne de commande, ou dossier
upload-new = Faire un colis d’une archive
upload-file = Archive
upload-file-text = .zip, .tar ou .tar.gz
upload-button = Envoyer
upload-title = Envoi de { $name }
upload-see = Voir le colis
upload-receiving = Réception
upload-cutting = Découpage en morceaux
upload-signing = Signature
upload-done = Terminé
upload-unsigned = En attente de la signature de l’éditeur
upload-failed = Échec

wizard-title = Nouveau déploiement
wizard-steps = Étapes
wizard-what = Quoi
wizard-who = Qui
wizard-when = Quand
wizard-review = Relecture
wizard-next = Suite
wizard-back = Retour
wizard-no-bundle = Il n’y a pas encore de colis signé
wizard-preview = Aperçu
wizard-who-hint = Vide veut dire toutes les machines. Leur liste est figée au lancement du déploiement.
wizard-included = { $count ->
    [one] { $count } machine le reçoit
   *[other] { $count } machines le reçoivent
}
wizard-excluded = { $count ->
    [one] { $count } est laissée de côté
   *[other] { $count } sont laissées de côté
}
wizard-excluded-none = Aucune machine nommée par la requête n’est laissée de côté.
wizard-unmatched = { $count ->
    [one] { $count } machine n’est pas nommée par la requête
   *[other] { $count } machines ne sont pas nommées par la requête
}
wizard-leave-out = laisser de côté
wizard-leave-out-named = laisser de côté { $name }
wizard-take-back = reprendre
wizard-take-back-named = reprendre { $name }
wizard-nobody = Personne ne le recevrait. Changez la requête.
wizard-now = Vide : tout de suite.
wizard-never = Vide : jamais.
wizard-at-once = Tout de suite
wizard-cost = Contenu
wizard-per-host = pour une machine qui n’en a rien
wizard-at-most = au plus
wizard-fixed = La liste des machines est figée au lancement. Vous pouvez mettre en pause et abandonner à tout moment.
wizard-start = Lancer le déploiement
excluded-excepted = Vous l’avez laissée de côté.
excluded-wrong-target = Le colis n’est pas fait pour elle.
excluded-already-has = Elle a déjà ce colis.
excluded-in-progress = Elle est en train de recevoir ce colis.

tokens-title = Jetons
tokens-none = Aucun jeton encore.
token-new = Nouveau jeton
token-kind = Sorte
token-enrolment = Enrôlement
token-enrolment-text = laisse entrer une machine, une fois
token-api = API
token-api-text = laisse un programme utiliser l’API
token-hours = Valable (heures)
token-hours-text = Vide : 24 heures pour l’enrôlement, 90 jours pour l’API.
token-role = Rôle (API)
token-site = Site (enrôlement)
token-tags = Étiquettes (enrôlement)
token-create = Créer le jeton
token-made = Le jeton « { $name } » est créé.
token-once = Son secret n’est montré que maintenant. Lancez ceci sur la machine qui l’utilisera :
token-revoke = Révoquer
token-revoke-named = Révoquer { $name }
token-alive = Valable
token-used = Utilisé
token-expired = Expiré
token-revoked = Révoqué
token-last = Utilisé

users-title = Utilisateurs
user-new = Nouvel utilisateur
user-create = Créer l’utilisateur
user-create-text = Un lien à usage unique le laisse entrer et lui demande un mot de passe.
user-link = Un lien à usage unique pour { $name } est créé.
user-link-once = Il n’est montré que maintenant et ne sert qu’une fois. Envoyez-le-lui :
user-make-link = Créer un lien à usage unique
user-edit = Modifier
user-edit-named = Modifier { $name }
user-remove = Retirer { $name }
user-disabled = Désactivé
user-no-password = Pas encore de mot de passe
user-fine = Peut se connecter
user-last = Dernière connexion
role-text-viewer = voit tout, ne change rien
role-text-operator = prend en charge, planifie les maintenances, met en pause
role-text-publisher = envoie des colis et les déploie
role-text-administrator = tout

audit-title = Journal d’audit
audit-search = Mots dans qui, quoi, objet ou détail
audit-none = Aucune entrée n’a ces mots.
audit-number = N°
audit-from = D’où
audit-subject = Sur quoi
audit-outcome = Issue

settings-title = Réglages
settings-done = Les réglages sont enregistrés.
settings-name = Nom de l’installation
settings-contact = Secondes entre deux contacts d’un agent qui n’a rien à dire
settings-contact-text = Petit : plus frais ; grand : plus léger pour les liens.
settings-keep = Jours d’historique conservés
settings-sites = Sites par sous-réseau
settings-sites-text = Un par ligne. Une machine qui s’enrôle depuis le sous-réseau appartient au site.
