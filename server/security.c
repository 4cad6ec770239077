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

#include "security.h"

#include <aclapi.h>

NTSTATUS user_only_acl( DWORD access, ACL **acl )
{
    union { TOKEN_USER user; char buffer[256]; } info;
    EXPLICIT_ACCESSW entry;
    HANDLE token;
    DWORD size;
    BOOL ret;

    if (!OpenProcessToken( GetCurrentProcess(), TOKEN_QUERY, &token )) return STATUS_ACCESS_DENIED;
    ret = GetTokenInformation( token, TokenUser, &info, sizeof(info), &size );
    CloseHandle( token );
    if (!ret) return STATUS_ACCESS_DENIED;
    ZeroMemory( &entry, sizeof(entry) );
    entry.grfAccessPermissions = access;
    entry.grfAccessMode = SET_ACCESS;
    entry.grfInheritance = NO_INHERITANCE;
    entry.Trustee.TrusteeForm = TRUSTEE_IS_SID;
    entry.Trustee.ptstrName = info.user.User.Sid;
    return SetEntriesInAclW( 1, &entry, NULL, acl ) ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}

SECURITY_ATTRIBUTES *user_only(void)
{
    static SECURITY_DESCRIPTOR descriptor;
    static SECURITY_ATTRIBUTES security;
    ACL *acl;

    if (security.lpSecurityDescriptor) return &security;
    if (user_only_acl( GENERIC_ALL, &acl )) return NULL;
    if (!InitializeSecurityDescriptor( &descriptor, SECURITY_DESCRIPTOR_REVISION ) ||
        !SetSecurityDescriptorDacl( &descriptor, TRUE, acl, FALSE ))
    {
        LocalFree( acl );
        return NULL;
    }
    security.nLength = sizeof(security);
    security.lpSecurityDescriptor = &descriptor;
    return &security;
}
