/*
 * What the server tells its administrator
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "log.h"
#include "path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG_NAME     L"portserver.log"
#define MAX_LOG_SIZE 1000000

static void append_to_file( const char *line, unsigned int len )
{
    WCHAR path[MAX_PATH], old[MAX_PATH];
    LARGE_INTEGER size;
    HANDLE file;
    DWORD written;

    if (!path_beside_program( path, LOG_NAME )) return;
    file = CreateFileW( path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                        OPEN_ALWAYS, 0, NULL );
    if (file == INVALID_HANDLE_VALUE) return;
    WriteFile( file, line, len, &written, NULL );
    if (!GetFileSizeEx( file, &size )) size.QuadPart = 0;
    CloseHandle( file );
    if (size.QuadPart > MAX_LOG_SIZE && path_beside_program( old, LOG_NAME L".old" ))
        MoveFileExW( path, old, MOVEFILE_REPLACE_EXISTING );
}

void log_message( const char *format, ... )
{
    char line[1024];
    SYSTEMTIME now;
    va_list args;
    size_t len;

    GetLocalTime( &now );
    snprintf( line, sizeof(line), "%04u-%02u-%02u %02u:%02u:%02u portserver: ", now.wYear, now.wMonth, now.wDay,
              now.wHour, now.wMinute, now.wSecond );
    len = strlen( line );
    va_start( args, format );
    vsnprintf( line + len, sizeof(line) - len - 1, format, args );
    va_end( args );
    len = strlen( line );
    if (line[len - 1] != '\n') line[len++] = '\n';
    line[len] = 0;
    fputs( line, stderr );
    fflush( stderr );
    append_to_file( line, len );
}
