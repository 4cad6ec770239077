/*
 * What the tests of port reservations share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "common.h"

#define CHILDREN CHILD( puppet ) CHILD( worker ) CHILD( exiting )
#include "child.h"
