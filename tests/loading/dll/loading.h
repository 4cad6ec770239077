/*
 * What happened while loading.dll was loaded
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_LOADING_H
#define PORTRES_TESTS_LOADING_H

#include <winsock2.h>
#include <mstcpip.h>

struct loading_results
{
    int acquire, associate, bind;  /* 0 or a Winsock error */
    DWORD time;                    /* ms, for all of them */
};

#endif /* PORTRES_TESTS_LOADING_H */
