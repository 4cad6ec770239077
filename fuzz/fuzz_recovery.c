/*
 * Fuzzing what the next server takes up after a kill
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* The same operations and the same model, and a kill among them. Apart, since a new pool for each costs most of the runs. */
#define WITH_KILLS 1
#include "fuzz_request.c"  /* NOLINT(bugprone-suspicious-include): that is the idea */
