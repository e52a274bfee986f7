"""psictl"""
