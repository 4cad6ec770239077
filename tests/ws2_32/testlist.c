/*
 * The tests of ws2_32_test.exe
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
    TEST(plain) \
    TEST(overlay) \
    TEST(acquire) \
    TEST(release) \
    TEST(associate) \
    TEST(bind) \
    TEST(affinity) \
    TEST(others) \
    TEST(lifetime) \
    TEST(implicit) \
    TEST(threads) \
    TEST(patterns) \
    TEST(ecn) \
    TEST(many) \
    TEST(completion) \
    TEST(connect_list) \
    TEST(spi) \
    TEST(same) \
    TEST(death) \
    TEST_CHILD(puppet) \
    TEST_CHILD(worker) \
    TEST_CHILD(ecn_receiver) \
    TEST_CHILD(exiting)

#include "wine/test.h"
