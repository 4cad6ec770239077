/*
 * Names by which the server is found
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTSERVER_H
#define PORTRES_PORTSERVER_H

#define PORTSERVER_SERVICE  L"portserver"
#define PORTSERVER_PIPE     L"\\\\.\\pipe\\wine-portres"
#define PORTSERVER_MUTEX    L"Global\\wine-portres-server"  /* there while a server runs */
#define PORTSERVER_STARTING L"Global\\wine-portres-starting"  /* there while a client has it started */

#endif /* PORTRES_PORTSERVER_H */
