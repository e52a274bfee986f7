"""services/frontend"""
