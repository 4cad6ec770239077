/*
 * The tests of loading_test.exe, a program that is not linked to Winsock
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#define TESTS \
    TEST(unload) \
    TEST(closed_handles) \
    TEST(dllmain) \
    TEST_CHILD(level) \
    TEST_CHILD(plain_calls)

#include "wine/test.h"
