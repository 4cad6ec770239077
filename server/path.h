/*
 * Files of the server
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_PATH_H
#define PORTRES_SERVER_PATH_H

#include <windows.h>

/* Full path of a file in the folder of this program. path has room for MAX_PATH characters; FALSE when it would be longer. */
extern BOOL path_beside_program( WCHAR *path, const WCHAR *name );

#endif /* PORTRES_SERVER_PATH_H */
