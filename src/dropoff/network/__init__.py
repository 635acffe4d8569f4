"""The network: partners' places, their hours, the nearby index, lanes, devices and how they are paired."""
