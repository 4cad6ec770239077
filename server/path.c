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

#include <wchar.h>

#include "path.h"

BOOL path_beside_program( WCHAR *path, const WCHAR *name )
{
    DWORD len = GetModuleFileNameW( NULL, path, MAX_PATH );
    WCHAR *slash;

    if (!len || len >= MAX_PATH || !(slash = wcsrchr( path, '\\' ))) return FALSE;
    if (slash + 1 - path + wcslen( name ) >= MAX_PATH) return FALSE;
    wcscpy( slash + 1, name );
    return TRUE;
}
