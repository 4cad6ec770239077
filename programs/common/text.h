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

#ifndef PORTRES_PROGRAMS_TEXT_H
#define PORTRES_PROGRAMS_TEXT_H

#include <windows.h>

/* What the system says of a Windows error code, without a full stop, in a static buffer; a code without a text is named. */
extern const char *error_text( DWORD error );

#endif /* PORTRES_PROGRAMS_TEXT_H */
