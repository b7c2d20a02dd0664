/* SPDX-License-Identifier: MIT */
/* Simulated devices; theory in device.c. */
#ifndef KMEM_SIM_DEVICE_H
#define KMEM_SIM_DEVICE_H

#include "sim/machine.h"

void devices_init(struct machine *m);
void devices_release(struct machine *m);

#endif
