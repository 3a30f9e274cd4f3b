terraform import wandb_team_storage.omega omega
