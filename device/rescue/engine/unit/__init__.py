# What more than one step does with the unit: power, connection, looks, comparing flash.
