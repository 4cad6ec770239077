/*
 * The tests of iphlpapi_test.exe
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <winsock2.h>

#define TESTS \
    TEST(persistent) \
    TEST(restricted) \
    TEST(exclusion) \
    TEST(two_sockets) \
    TEST(tables) \
    TEST(story) \
    TEST(compartment) \
    TEST_CHILD(list_udp) \
    TEST_CHILD(restricted_child) \
    TEST_CHILD(story_b) \
    TEST_CHILD(story_c) \
    TEST_CHILD(story_d) \
    TEST_CHILD(puppet)

#include "wine/test.h"
