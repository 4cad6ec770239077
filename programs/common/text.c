/*
 * Errors in words
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "text.h"

#include <stdio.h>

const char *error_text( DWORD error )
{
    static char text[512];
    DWORD len;

    len = FormatMessageA( FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, text, sizeof(text), NULL );
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == '.')) text[--len] = 0;
    if (!len) snprintf( text, sizeof(text), "error %lu", (unsigned long)error );
    return text;
}
