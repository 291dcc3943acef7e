# Words of the configuration.
