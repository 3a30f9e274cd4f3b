import {
  to = wandb_team_storage.omega
  id = "omega" # the team's name, or its id
}
