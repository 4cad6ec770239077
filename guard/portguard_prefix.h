/*
 * The wineserver of the prefix that ports are kept for
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTGUARD_PREFIX_H
#define PORTRES_PORTGUARD_PREFIX_H

/* Look for the prefix's wineserver. Returns 0 when there is none that can be told. */
extern int prefix_find(void);

/* Whether the wineserver that prefix_find() found still runs. */
extern int prefix_alive(void);

#endif /* PORTRES_PORTGUARD_PREFIX_H */
