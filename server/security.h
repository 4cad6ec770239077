/*
 * Keeping other users out
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_SECURITY_H
#define PORTRES_SERVER_SECURITY_H

#include "status.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* A list that gives access to the user that the server runs as, and to nobody else; for LocalFree(). */
extern NTSTATUS user_only_acl( DWORD access, ACL **acl );

/* The attributes of what only that user may open, in whatever way; not for files. NULL when there is no memory for them. */
extern SECURITY_ATTRIBUTES *user_only(void);

/* CreateFileW() of a file with a secret: its mode is 0600 from the first moment on, whatever the umask, also when it was there before
 * with another. INVALID_HANDLE_VALUE, with the last error set: also when the mode can't be made so. */
extern HANDLE create_private_file( const WCHAR *path, DWORD access, DWORD share, DWORD disposition );

#endif /* PORTRES_SERVER_SECURITY_H */
