/*
 * Plain calls, for others to count what they cost
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "winsock.h"
#include <stdlib.h>

/* plain_calls N: bind N sockets, and send N times */
START_TEST(plain_calls)
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    struct winsock winsock;
    unsigned int i, count;
    WSADATA data;
    char **argv;
    SOCKET s;

    count = winetest_get_mainargs( &argv ) > 2 ? atoi( argv[2] ) : 1;
    if (!load_winsock( &winsock )) return;
    winsock.pWSAStartup( MAKEWORD( 2, 2 ), &data );
    addr.sin_addr.s_addr = 0x0100007f;  /* 127.0.0.1 */
    for (i = 0; i < count; i++)
    {
        addr.sin_port = 0;
        s = winsock.psocket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
        ok( !winsock.pbind( s, (struct sockaddr *)&addr, sizeof(addr) ), "bind: error %d\n", winsock.pWSAGetLastError() );
        addr.sin_port = 0x0900;  /* discard */
        ok( winsock.psendto( s, "", 1, 0, (struct sockaddr *)&addr, sizeof(addr) ) == 1, "sendto: error %d\n",
            winsock.pWSAGetLastError() );
        winsock.pclosesocket( s );
    }
    winsock.pWSACleanup();
}
