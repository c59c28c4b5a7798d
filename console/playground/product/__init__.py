"""The product that the playground deploys: a shop with a web API, a worker and a frontend, as real processes."""
