/*
 * The tests of pipe_test.exe
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#define TESTS \
    TEST(errors) \
    TEST(malformed) \
    TEST(channel) \
    TEST(privacy) \
    TEST(unheard) \
    TEST(late) \
    TEST_CHILD(device) \
    TEST_CHILD(bound) \
    TEST_CHILD(closing) \
    TEST_CHILD(hold) \
    TEST_CHILD(share) \
    TEST_CHILD(starved) \
    TEST_CHILD(again) \
    TEST_CHILD(take) \
    TEST_CHILD(traffic) \
    TEST_CHILD(wildcard)

#include "wine/test.h"
